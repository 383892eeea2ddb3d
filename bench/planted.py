# ruff: noqa: E501
"""Secrets and facts to plant into sessions, and the sessions: what a redactor must not let through unseen.

Each text is one string of a session (a prompt, a command, what a command printed, a file, a title, …). What stands
between ``«`` and ``»`` is what must not leave; ``~b62:32`` and its like are drawn at random, the same each time. The two
halves were written before the detectors were looked at: ``TUNE`` may be looked at to improve them, ``HELD`` is only
counted.
"""

from __future__ import annotations

import base64
import json
import random
import re
import string
import uuid
from collections.abc import Iterable
from typing import Any, NamedTuple

ALPHABETS = {
    "b62": string.ascii_letters + string.digits,
    "low": string.ascii_lowercase + string.digits,
    "up": string.ascii_uppercase + string.digits,
    "hex": "0123456789abcdef",
    "url": string.ascii_letters + string.digits + "-_",
    "b64": string.ascii_letters + string.digits + "+/",
    "dig": string.digits,
}


class Planted(NamedTuple):
    place: str
    """The kind of place that it stands in."""
    where: str
    """``prompt``, ``command``, ``output``, ``answer``, ``title``, ``write`` (path and content), ``branch``."""
    text: str
    values: tuple[str, ...]
    """What must not leave."""


# where, place, text. Held out: never read while detectors are made.
HELD_SECRETS = r"""
prompt|prompt|Can you check why deploys fail? Our Linear key is «lin_api_~b62:40», it should have admin scope.
prompt|prompt|ok log in to the staging box as deploy, pass is «Trüffel-Herbst-88», and restart nginx there
prompt|prompt-other|Benutze bitte das Kennwort «Regenbogen!4711x» für die Testdatenbank, danach setzen wir es neu.
prompt|prompt-other|le mot de passe du compte de service est «Volet-Bleu_2291», essaie avec ça
answer|prompt-other|La clave de la base de datos de pruebas es «Girasol#9032mar»; la he puesto en el archivo .env.
command|flag|mysqldump --host db2 --user=backup --password=«kestrel-Harbor71» shop > /tmp/shop.sql
command|flag|sshpass -p '«mOnda~b62:7»' scp build.tar.gz ops@10.3.2.8:/srv/
command|flag|az login --service-principal -u 2c1c4e6a-7f4b-4a3e-9f59-0f6b7c1d2e3f -p «~url:34» --tenant contoso
command|flag|openssl pkcs12 -export -in cert.pem -inkey key.pem -out app.p12 -passout pass:«Quartz$Lamp93»
command|environment|PGPASSWORD=«bramble~dig:5» psql -h localhost -U app -c 'select 1'
command|environment|export DEPLOY_PASSPHRASE='«seven tall mango ladders»' && ./release.sh
command|environment|RCLONE_CONFIG_S3_SECRET_ACCESS_KEY=«~b64:40» rclone ls s3:backups
command|curl|curl -s -H 'X-Api-Key: «~low:28»' https://metrics.example.com/v1/series
command|curl|curl --cookie "sid=«~b62:26»; theme=dark" https://admin.example.com/users
command|curl|curl -u «svc-report:Wander%Light77» https://jira.example.com/rest/api/2/myself
write|envfile|/srv/app/.env.production|NODE_ENV=production\nSESSION_SALT=«~hex:32»\nMAIL_PASS=«gilded otter 55»\nPORT=8080\n
write|envfile|/srv/app/.env.local|# local\nNEXT_PUBLIC_URL=http://localhost:3000\nCLERK_SECRET_KEY=«sk_test_~b62:42»\nUPSTASH_REDIS_REST_TOKEN=«AX~b62:50»\n
output|envfile-diff|diff --git a/.env b/.env\n--- a/.env\n+++ b/.env\n@@ -1,3 +1,3 @@\n PORT=80\n-ADMIN_PW=«oldHeron44»\n+ADMIN_PW=«newHeron45!»\n
write|compose|/srv/app/docker-compose.yml|services:\n  db:\n    image: mariadb:11\n    environment:\n      - MARIADB_ROOT_PASSWORD=«fogbank-tide»\n      - MARIADB_DATABASE=shop\n
write|cluster|/k/secret.yaml|apiVersion: v1\nkind: Secret\nmetadata:\n  name: mailer\ntype: Opaque\ndata:\n  smtp: «@b64(Lark-under-Glass1)»\n  user: bWFpbGVy\n
write|cluster|/k/values.yaml|ingress:\n  enabled: true\nauth:\n  jwtSigningSecret: "«~b62:24»"\n  existingSecret: ""\n
command|cluster|kubectl create secret generic pager --from-literal=routing=«R0~hex:30» --from-literal=env=prod
write|terraform|/tf/prod.tfvars|region = "eu-west-1"\ndb_master_password = "«Nimbus_Otter_19»"\ninstance_class = "db.t3.small"\n
output|terraform|aws_iam_access_key.ci: Creation complete\n\nOutputs:\n\nci_key_id = "«AKIA~up:16»"\nci_secret = "«~b64:40»"\n
write|ci|/r/.github/workflows/release.yml|jobs:\n  publish:\n    runs-on: ubuntu-latest\n    env:\n      TWINE_USERNAME: __token__\n      TWINE_PASSWORD: «pypi-AgEIcHlwaS5vcmc~url:120»\n
command|ci|echo '«~url:48»' | gh secret set CODECOV_TOKEN
write|build|/r/Dockerfile|FROM node:22\nARG NPM_AUTH=«npm_~b62:36»\nRUN npm config set //registry.npmjs.org/:_authToken $NPM_AUTH\n
write|build|/r/gradle.properties|org.gradle.jvmargs=-Xmx2g\nsigningKeyAlias=upload\nsigningStorePass=«palisade-9-fern»\n
write|rcfile|/home/u/.netrc|machine git.example.com\n  login ci-bot\n  password «~b62:22»\n
write|rcfile|/home/u/.docker/config.json|{"auths": {"registry.example.com": {"auth": "«@b64(robot:Tango_Vellum_6)»"}}}
write|ini|/etc/app.ini|[smtp]\nhost = mail.example.com\nuser = noreply\npasswd = «cobalt.Finch.30»\n
write|json|/r/appsettings.json|{"ConnectionStrings": {"Main": "Server=tcp:sql1;Database=crm;User Id=app;Password=«V1olet;Quarry»;Encrypt=true"}}
write|source|/r/client.py|import os\n\nclient = Client(\n    base_url="https://api.example.com",\n    token="«~hex:40»",\n    retries=3,\n)\n
write|source|/r/main.go|func dial() *Client {\n\treturn New("queue.internal", WithCredentials("worker", "«Plover!Grid52»"))\n}\n
output|url|origin\thttps://oauth2:«glpat-~url:20»@gitlab.example.com/team/app.git (fetch)\n
output|url|REDIS: connected to rediss://default:«~b62:32»@cache-3.example.net:6380/0\n
command|url|http POST https://hooks.slack.com/services/«T~up:10/B~up:10/~b62:24» text=done
output|url|Webhook saved: https://acme.webhook.office.com/webhookb2/«~uuid@~uuid/IncomingWebhook/~hex:32/~uuid»
command|sql|psql -c "ALTER ROLE reporting WITH LOGIN PASSWORD '«thistle&Bronze8»'"
output|output|Your new API key (shown once):\n\n    «~b62:48»\n\nStore it safely.
output|output|+-----------+--------------------------+\n| name      | secret                   |\n+-----------+--------------------------+\n| uploader  | «~b62:24» |\n+-----------+--------------------------+
output|log|2026-03-02T10:11:09Z DEBUG auth: sending Authorization: Basic «@b64(monitor:Swift_Anvil_3)» to upstream
output|log|[worker-2] login ok user=ines password=«Orchard=Kite6» took 31ms
output|header|> GET /v1/me HTTP/2\n> host: api.example.com\n> authorization: Bearer «~url:64»\n> accept: */*\n
output|response|{"id": 71, "name": "ci", "private_token": "«~b62:20»", "scopes": ["api"]}
output|response|{"access_token":"«eyJhbGciOiJIUzI1NiJ9.~url:80.~url:43»","expires_in":3600,"refresh_token":"«~url:70»"}
output|key|-----BEGIN OPENSSH PRIVATE KEY-----\n«~b64:70\n~b64:70\n~b64:44»\n-----END OPENSSH PRIVATE KEY-----\n
title|title|Rotate leaked token «ghp_~b62:36» in CI
title|title|wifi password «Lantern-Moss-12» in config
answer|answer|I connected with the password "«Copper.Sparrow.9»" and the migration ran through.
answer|answer|Done: the HF token («hf_~b62:34») now stands in the Space's settings.
prompt|chat|Anna: hier der Zugang\nUser: lager\nPW: «Bergsee.Nord.5»\nViel Erfolg!
"""

TUNE_SECRETS = r"""
prompt|prompt|here is my anthropic key, «sk-ant-api03-~url:93AA», please wire it into the config
prompt|prompt|the root password is «cinder+Maple40» on all three boxes, don't print it
prompt|prompt-other|Das Passwort: «Wolkenbruch_77» (bitte nicht committen)
prompt|prompt-other|contraseña: «Ventana.Azul.8» y usuario admin
prompt|prompt-other|mot de passe : «Chouette!Gris3»
command|flag|ssh-keygen -t ed25519 -N '«willow under snow»' -f ~/.ssh/deploy
command|flag|openssl enc -aes-256-cbc -k «Garnet-Rook5» -in dump.sql -out dump.enc
command|flag|mysql -u root -p«Pebble~dig:4x» shop -e 'show tables'
command|flag|restic -r s3:x backup /srv --password-command 'echo «Juniper_Frost2»'
command|environment|ADMIN_PW=«tarnHollow9» ./seed.sh
command|environment|BORG_PASSPHRASE="«quiet harbour plum»" borg create ::now /srv
command|environment|AWS_SECRET_ACCESS_KEY=«~b64:40» aws s3 ls
command|curl|curl -b 'session=«~hex:32»' https://example.com/panel
command|curl|curl -H "Authorization: token «~hex:40»" https://git.example.com/api/v1/user
command|curl|curl --user 'bot:«Zephyr!Note4»' https://nexus.example.com/repository/raw/
write|envfile|/srv/.env|APP_KEY=base64:«~b64:43=»\nDB_PASSWORD=«rosewater»\nLOG_LEVEL=info\n
write|envfile|/srv/.env.test|STRIPE=«sk_live_~b62:24»\nDATADOG=«~hex:32»\n
output|envfile-diff|--- a/config/.env\n+++ b/config/.env\n@@ -2 +2 @@\n-SMTP_PASSWORD=«granite&Wren»\n+SMTP_PASSWORD=«granite&Wren2»\n
write|compose|/srv/compose.yaml|services:\n  cache:\n    command: redis-server --requirepass «umber-Falcon3»\n
write|cluster|/k/s.yaml|apiVersion: v1\nkind: Secret\ndata:\n  password: «@b64(Heath-and-Stone2)»\n  api: «@b64(~b62:32)»\n
write|cluster|/k/tokens.yaml|secrets:\n  - «~b62:30»\n  - «~b62:30»\nreplicas: 2\n
command|cluster|kubectl create secret generic db --from-literal=password=«Tidal.Moth.6»
write|terraform|/tf/main.tf|resource "random" "x" {}\nvariable "token" {\n  default = "«~b62:40»"\n}\n
output|terraform|db_password = "«Ochre_Swallow_7»"\nendpoint = "db.example.com:5432"\n
write|ci|/r/.gitlab-ci.yml|variables:\n  DOCKER_AUTH_TOKEN: "«dckr_pat_~url:27»"\n  SONAR_TOKEN: "«sqp_~hex:40»"\n
command|ci|gh secret set DEPLOY_KEY --body «~b62:40»
command|build|echo «Basalt-Ibis-11» | docker login -u ci --password-stdin registry.example.com
write|build|/r/local.properties|sdk.dir=/opt/android\nkeystore.password=«amber.Stoat.4»\n
write|rcfile|/home/u/.pypirc|[pypi]\nusername = __token__\npassword = «pypi-AgEIcHlwaS5vcmc~url:100»\n
write|rcfile|/home/u/.npmrc|//npm.example.com/:_auth=«@b64(ci:Fallow-Deer-31)»\nalways-auth=true\n
write|ini|/etc/x.conf|[client]\nuser=app\npassword="«lichen;Grove2»"\n
write|json|/r/config.json|{"mailer": {"user": "x", "pass": "«Sable Thorn 19»"}, "port": 25}
write|source|/r/Db.java|DriverManager.getConnection("jdbc:mysql://db/shop", "shop", "«Crag&Linnet5»");\n
write|source|/r/app.js|const jwt = sign(user, '«~b62:32»', { expiresIn: '1h' })\nconst SECRET_KEY = "«~hex:48»"\n
output|url|origin\thttps://x-access-token:«ghs_~b62:36»@github.com/acme/app.git (push)\n
output|url|postgres://app:«Fjord%21Tern9»@db.example.com:5432/app\n
command|url|curl -d '{"text":"hi"}' https://discord.com/api/webhooks/«~dig:18/~url:68»
output|url|https://x.blob.core.windows.net/a/b.zip?sv=2022-11-02&sp=r&sig=«~b62:42%3D»
command|sql|mysql -e "CREATE USER 'etl'@'%' IDENTIFIED BY '«Dune_Curlew_8»'"
output|output|Created token «xoxb-~dig:12-~dig:12-~b62:24» for workspace acme
output|output|Generated password: «~b62:16»\n
output|log|INFO connecting amqp://svc:«Pike~dig:4»@mq.example.com:5672/\n
output|log|DEBUG cookie=_app_session=«~url:60»; path=/
output|header|Set-Cookie: auth=«~url:40»; HttpOnly; Secure\nX-Auth-Token: «~hex:32»\n
output|response|{"client_id":"web","client_secret":"«GOCSPX-~url:28»"}
output|response|{"token": "«~hex:64»", "user": {"id": 1}}
output|key|-----BEGIN RSA PRIVATE KEY-----\n«~b64:64\n~b64:64\n~b64:30==»\n-----END RSA PRIVATE KEY-----\n
title|title|Fix login with key «sk-proj-~url:100»
title|title|api token «~b62:36» does not work
answer|answer|The password is «Russet-Owl-55», as set in compose.
answer|answer|I used pw «Marram#Gale2» for the admin account.
prompt|chat|Zugangsdaten Testsystem:\nBenutzer: tester\nPasswort: «Seerose!881»
"""

# kind, where, text: people and companies, and what tells of them.
HELD_FACTS = r"""
person|prompt|Ask «Tamsin Okonjo-Reyes» whether the export is still needed, she runs finance.
person|answer|As «Bartholomäus» wrote in the review, the retry belongs into the client.
person|output|commit 1a2b3c\nAuthor: «Yevgenia Sokolovska» <«y.sokolovska@lumenpath.io»>\nDate: Mon\n\n    fix retry
person|prompt|«Oluwaseun» from support says that the customer sees a blank page
handle|output|@«quillfeather77» requested changes on this pull request
handle|output|drwxr-xr-x 2 «mvandenberg» staff 64 Mar 1 10:00 src
handle|command|ssh «pnakamura»@build.example.com uptime
host|command|rsync -a dist/ «web04.prod.lumenpath.internal»:/srv/www/
host|output|PING «kubeadm-frankfurt-02» (10.20.30.41): 56 data bytes
host|prompt|it works on «build-mac-helsinki» but not on the others
domain|output|301 -> https://«portal.zenithlogistik.de»/login
domain|write|/srv/c.json|{"cors": ["https://shop.«graupelmoden.ch»"]}
organisation|prompt|The tender for «Brightwater Municipal Services» is due on Friday, keep the PDF layout.
organisation|answer|The fixture now holds the «Aldermoor» contract's line items.
organisation|output|Licensed to: «Kowalczyk & Partners Sp. z o.o.»
organisation|write|/r/README.txt|Internal tool of «Nordwind Reederei GmbH», not for customers.
organisation|prompt|why is «Vantagebrook» billed twice in the March run? Vantagebrook's contract says monthly
server|tool|mcp__«lumenpath_ledger»__post_entry
server|tool|mcp__«halcyon-hr»__find_employee
ticket|prompt|this is for «LEDG-4471», please mention it in the commit
ticket|output|refs «HALC-88» and «OPS2-1902»
path|output|/Volumes/«Brightwater-Tender»/annex/prices.xlsx
path|command|cp ../«zenith-invoices»/2026/*.csv /tmp/in/
path|output|C:\Users\«tokonjo»\Documents\merger.docx
number|prompt|call the driver on «+44 7700 900418» if the webhook is late
number|output|IBAN «DE89370400440532013000» credited
number|write|/r/t.json|{"employee": "«4471-882-03»", "salary": «86400»}
rare|prompt|the codename «Zephyrine» must not appear in the public build; grep for Zephyrine first
rare|answer|Project «Thornquist» has its own feature flag, so Thornquist tests stay skipped.
language|prompt|Der Kunde «Hallensteiner» hat gestern storniert, bitte Buchung rückgängig machen.
language|prompt|Poproś «Grzegorza» o dostęp do serwera.
address|output|Deliver to: «Lindenallee 47», «04277 Leipzig»
"""

TUNE_FACTS = r"""
person|prompt|«Priyanka Deshmukh» wants the totals by region, she said so on Monday
person|answer|I left a note for «Thorvaldur» in the pull request.
person|output|Author: «Casimir Wojnarowicz» <«casimir.w@pelagic-data.com»>
person|prompt|please send it to «Ifeoma» and Mark before noon
handle|output|Co-authored-by: «starling-nine» <«starling9@users.noreply.github.com»>
handle|output|-rw-r--r-- 1 «ccastellano» users 1204 Jan 9 12:00 notes.md
handle|command|git remote add fork git@github.com:«ravenscroft-dev»/app.git
host|command|ping «db-primary.pelagic.corp»
host|output|«ccastellano-thinkpad» login: Mon Mar 2
host|answer|The job runs on «gpu-lisbon-07» only.
domain|output|Host: «api.pelagic-data.com»
domain|write|/srv/n.conf|server_name «kunden.silberbach-energie.de»;
organisation|prompt|«Silberbach Energie» asked for a dark theme; Silberbach pays for it
organisation|answer|The importer skips «Wexcombe Dairy» rows without a price.
organisation|output|Copyright (c) 2025 «Pelagic Data Holdings Ltd»
organisation|write|/r/notes.md|# Call with «Umbra Biotech»\n- they want SSO\n
organisation|prompt|is «Marlowe & Finch» on the new plan?
server|tool|mcp__«pelagic_crm»__find
server|tool|mcp__«wexcombe-wms»__stock
ticket|prompt|part of «PELA-2231»
ticket|output|Merge branch 'feature/«SILB-97»-login'
path|output|/mnt/«umbra-share»/contracts/2026.pdf
path|command|ls ~/work/«wexcombe-migration»/
path|output|/Users/«cwojnarowicz»/Desktop/plan.key
number|prompt|my number is «+49 1523 4478190»
number|output|card «4539 1488 0343 6467» declined
number|write|/r/p.json|{"ssn": "«536-22-8714»"}
rare|prompt|«Obsidianveil» launches in May; hide Obsidianveil from the menu
rare|answer|The «Kestrelmoor» flag is off in production, Kestrelmoor pages give 404.
language|prompt|Bitte «Frau Achterberg» die Rechnung schicken, sie wartet seit Dienstag.
language|prompt|«Señor Etxeberria» llamará mañana
address|output|Ship to «1184 Wrenfield Road», Durham
"""


def _draw(rng: random.Random, text: str) -> str:
    def one(match: re.Match[str]) -> str:
        if match[0] == "~uuid":
            return str(uuid.UUID(int=rng.getrandbits(128), version=4))
        return "".join(rng.choices(ALPHABETS[match[1]], k=int(match[2])))

    return re.sub(r"~(?:uuid|([a-z]\w*?):(\d+))", one, text)


def _parse(table: str, seed: int) -> list[Planted]:
    rng = random.Random(seed)
    out = []
    for line in table.strip().splitlines():
        first, second, text = line.split("|", 2)
        values: list[str] = []

        def value(match: re.Match[str], values: list[str] = values) -> str:
            text = _draw(rng, match[1].replace("\\n", "\n"))
            encoded = re.fullmatch(r"@b64\((.*)\)", text)
            values.append(encoded[1] if encoded else text)
            return base64.b64encode(encoded[1].encode()).decode() if encoded else text

        plain = re.sub(r"«([^»]*)»", value, text).replace("\\n", "\n").replace("\\t", "\t")
        out.append(Planted(second, first, plain, tuple(values)))
    return out


def secrets(held: bool) -> list[Planted]:
    """The secrets to plant: the half that may be looked at, or the one held out."""
    return _parse(HELD_SECRETS if held else TUNE_SECRETS, 11 + held)


def facts(held: bool) -> list[Planted]:
    """The facts about people and companies; ``place`` is what kind of fact."""
    return [Planted(p.where, p.place, p.text, p.values) for p in _parse(HELD_FACTS if held else TUNE_FACTS, 21 + held)]


FILLER = (
    ("prompt", "please look at why the build is slow"),
    ("answer", "The cache is rebuilt on every run. I will keep it between runs."),
    ("output", "Compiling 214 files\nwarning: unused variable `count`\nFinished in 12.4s"),
    ("command", "grep -rn 'def main' src | head"),
    ("output", "src/app.py:12:def main() -> None:\nsrc/cli.py:40:def main(argv):\n"),
)
"""What stands between the planted steps."""


def session(items: Iterable[Planted]) -> str:
    """A session that holds them, as JSON Lines of Claude Code: each in a step of its own, with harmless ones between."""
    lines: list[dict[str, Any]] = []
    usage = {"input_tokens": 1, "output_tokens": 2}

    def put(kind: str, content: Any, **more: Any) -> None:
        n = len(lines)
        message: dict[str, Any] = {"role": kind, "content": content}
        if kind == "assistant":
            message |= {"id": f"msg_{n}", "type": "message", "model": "claude-sonnet-4-6", "usage": usage}
        lines.append(
            {
                "type": kind, "uuid": f"aaaa{n:04d}-0000-4000-8000-000000000000", "parentUuid": None,
                "sessionId": "7b0c3f6e-1111-4222-8333-444455556666", "cwd": "/home/dev/src/project",
                "version": "2.1.30", "gitBranch": "main", "userType": "external", "isSidechain": False,
                "timestamp": f"2026-03-01T{n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}.000Z", "message": message,
                **more,
            }
        )  # fmt: skip

    def tool(name: str, given: dict[str, Any], output: str) -> None:
        call = f"toolu_{len(lines)}"
        put("assistant", [{"type": "tool_use", "id": call, "name": name, "input": given}])
        put("user", [{"type": "tool_result", "tool_use_id": call, "content": output}], toolUseResult={"stdout": output})

    def step(where: str, text: str) -> None:
        if where == "prompt":
            put("user", text)
        elif where == "answer":
            put("assistant", [{"type": "text", "text": text}])
        elif where == "command":
            tool("Bash", {"command": text, "description": "Run it"}, "done")
        elif where == "output":
            tool("Bash", {"command": "make show"}, text)
        elif where == "tool":
            tool(text, {"query": "latest"}, "[]")
        elif where == "write":
            path, content = text.split("|", 1)
            tool("Write", {"file_path": path, "content": content}, f"File created successfully at: {path}")
        elif where == "title":
            lines.append({"type": "summary", "summary": text, "leafUuid": f"aaaa{len(lines):04d}"})
        else:
            raise ValueError(where)

    for nth, item in enumerate(items):
        step(item.where, item.text)
        step(*FILLER[nth % len(FILLER)])
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
