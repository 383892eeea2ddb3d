"""Made-up secrets in the ways in which people, programs and the suites of other scanners write them, and harmless texts.

Nothing here is real: every secret is drawn from a seeded generator when a test runs.
"""  # noqa: E501

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import quote

HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
MIXED = string.ascii_letters + string.digits
URLSAFE = MIXED + "-_"
STANDARD = MIXED + "+/"

NAMES = (
    "adafruit airbrake alegra amplitude apify asana atera auth0 beamer bitfinex blazemeter braze browserstack bugsnag "
    "calendly chargebee clearbit clickup cloudinary codacy coinbase contentful convertkit couchbase courier datadog "
    "deepgram delighted docusign dropbox dynatrace easypost etsy eventbrite fastly figma finnhub flickr frameio "
    "freshdesk fullstory geoapify gitter gocardless grafana gumroad harvest heroku hetzner honeycomb hotjar hubspot "
    "imgur infura intercom jotform jumpcloud klaviyo kraken launchdarkly linode livestorm lob loggly mailchimp "
    "mapbox messagebird mixpanel mollie monday netlify newrelic nexmo nylas okta onesignal opsgenie pagerduty "
    "paystack pipedrive plaid planetscale posthog postmark pubnub pusher quickbooks razorpay rollbar scrapingbee "
    "segment sendbird sendgrid sentry shippo shodan shopify signalwire snyk sparkpost spotify squarespace "
    "statuspage strava sumologic tableau telnyx tomtom trello twilio twitch typeform uploadcare vimeo vonage "
    "wakatime webflow wistia xero yelp zendesk zerobounce zoom"
).split()


class Vector(NamedTuple):
    """A text, the secret in it (None for harmless texts), and what kind of case it is."""

    text: str
    secret: str | None
    style: str


def draw(rng: random.Random, alphabet: str, size: int) -> str:
    """A string that holds a digit and a letter, as generated keys do."""
    while True:
        text = "".join(rng.choice(alphabet) for _ in range(size))
        if (
            any(c.isdigit() for c in text)
            and any(c.isalpha() for c in text)
            and text[0].isalnum()
            and text[-1].isalnum()
        ):
            return text


def uuid(rng: random.Random) -> str:
    h = "".join(rng.choice(HEX) for _ in range(32))
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


BODIES: dict[str, Callable[[random.Random], str]] = {
    "hex32": lambda r: draw(r, HEX, 32),
    "hex40": lambda r: draw(r, HEX, 40),
    "hex64": lambda r: draw(r, HEX, 64),
    "lower32": lambda r: draw(r, LOWER, 32),
    "lower20": lambda r: draw(r, LOWER, 20),
    "upper24": lambda r: draw(r, UPPER, 24),
    "mixed16": lambda r: draw(r, MIXED, 16),
    "mixed40": lambda r: draw(r, MIXED, 40),
    "urlsafe43": lambda r: draw(r, URLSAFE, 43),
    "base64": lambda r: draw(r, STANDARD, 43) + "=",
    "uuid": uuid,
    "dotted": lambda r: draw(r, URLSAFE, 22) + "." + draw(r, URLSAFE, 43),
    "digits": lambda r: "".join(r.choice("123456789") for _ in range(16)),
}  # fmt: skip

STYLES: dict[str, Callable[[str, str], str]] = {
    "python": lambda n, s: f'{n}_api_token = "{s}"',
    "env": lambda n, s: f"{n.upper()}_KEY={s}\n",
    "export": lambda n, s: f"export {n.upper()}_API_KEY='{s}'",
    "json": lambda n, s: json.dumps({f"{n}Token": s}),
    "json-deep": lambda n, s: json.dumps({"services": {n: {"api_key": s, "region": "eu"}}}, indent=2),
    "go": lambda n, s: f"{n}Token := `{s}`",
    "go-var": lambda n, s: f'var {n}Secret string = "{s}"',
    "cli": lambda n, s: f"{n}-cli deploy --api-key {s} --force",
    "cli-eq": lambda n, s: f"{n} login --token={s}",
    "header": lambda n, s: f"X-{n.title()}-Token: {s}",
    "curl": lambda n, s: f'curl -H "Authorization: Bearer {s}" https://api.{n}.com/v1/items',
    "curl-key": lambda n, s: f"curl https://api.{n}.com/v2 -H 'X-Api-Key: {s}'",
    "yaml": lambda n, s: f"{n}:\n  api_key: {s}\n  timeout: 30\n",
    "yaml-quoted": lambda n, s: f'{n}_token: "{s}"',
    "toml": lambda n, s: f'[{n}]\ntoken = "{s}"\n',
    "ini": lambda n, s: f"[{n}]\nsecret={s}\n",
    "properties": lambda n, s: f"com.acme.{n}.apiKey={s}",
    "dotnet": lambda n, s: f'<add key="{n.title()}ApiKey" value="{s}" />',
    "xml": lambda n, s: f"<{n}><apiKey>{s}</apiKey></{n}>",
    "xml-attr": lambda n, s: f'<string name="{n}_api_key">{s}</string>',
    "plist": lambda n, s: f"<key>{n.title()}APIKey</key>\n\t<string>{s}</string>",
    "setter": lambda n, s: f'{n}.set("token", "{s}")',
    "call": lambda n, s: f'client = {n.title()}(token("{s}"))',
    "kwargs": lambda n, s: f'client = {n.title()}Client(api_key="{s}", timeout=3)',
    "dict": lambda n, s: f"config = {{'{n}_secret': '{s}'}}",
    "terraform": lambda n, s: f'variable "{n}_token" {{\n  default = "{s}"\n}}',
    "hcl": lambda n, s: f'provider "{n}" {{\n  api_token = "{s}"\n}}',
    "docker": lambda n, s: f"ENV {n.upper()}_TOKEN {s}",
    "docker-eq": lambda n, s: f'ENV {n.upper()}_API_SECRET="{s}"',
    "comment": lambda n, s: f"# the {n} key is {s}",
    "prose": lambda n, s: f"Use this {n} token for now: {s}",
    "sentence": lambda n, s: f"I created an account at {n}. The API key is {s} and works.",
    "php": lambda n, s: f"'{n}_key' => '{s}',",
    "ruby": lambda n, s: f":{n}_token => '{s}'",
    "ruby-env": lambda n, s: f"ENV['{n.upper()}_API_KEY'] = '{s}'",
    "csharp": lambda n, s: f'private const string {n.title()}ApiKey = "{s}";',
    "java": lambda n, s: f'String {n}ApiKey = "{s}";',
    "kotlin": lambda n, s: f'val {n}Key: String = "{s}"',
    "typescript": lambda n, s: f"const {n}ApiKey: string = '{s}';",
    "swift": lambda n, s: f'let {n}Secret: String = "{s}"',
    "rust": lambda n, s: f'const {n.upper()}_TOKEN: &str = "{s}";',
    "makefile": lambda n, s: f"{n.upper()}_TOKEN := {s}",
    "make-opt": lambda n, s: f'{n.upper()}_TOKEN ?= "{s}"',
    "compare": lambda n, s: f'if {n}_token == "{s}":',
    "markdown": lambda n, s: f"| {n} api key | {s} |",
    "markdown-bold": lambda n, s: f"- **{n.title()} API key**: `{s}`",
    "escaped": lambda n, s: f'"{{\\"{n}_token\\": \\"{s}\\"}}"',
    "query": lambda n, s: f"https://api.{n}.com/v1/list?api_key={s}&page=2",
    "log": lambda n, s: f"[INFO] Sending request to the {n} API\n[DEBUG] Using Key={s}\n[INFO] Response received: 200 OK",  # noqa: E501
    "jenkins": lambda n, s: f"<id>{{{n}}}</id>\n  <secret>{{{n} AQAAABAAA {s}}}</secret>",
    "spaced": lambda n, s: f"{n} token = '{s}'",
    "two-lines": lambda n, s: f"{n}_secret:\n    {s}",
    "k8s": lambda n, s: f"- name: {n.upper()}_TOKEN\n  value: {s}",
    "k8s-json": lambda n, s: f'{{"name": "{n.upper()}_SECRET", "value": "{s}"}}',
    "powershell": lambda n, s: f'$env:{n.upper()}_TOKEN = "{s}"',
    "setx": lambda n, s: f'setx {n.upper()}_API_KEY "{s}"',
    "glued": lambda n, s: f'{n}token = "{s}"',
    "header-set": lambda n, s: f'req.Header.Set("X-{n.title()}-Api-Key", "{s}")',
    "bearer": lambda n, s: f"'Authorization': 'Bearer {s}'  # {n}",
    "name-only": lambda n, s: f"{n}: {s}",
    "yaml-block": lambda n, s: f"{n}_token: |\n  {s}\n",
    "yaml-fold": lambda n, s: f"{n}_token: >-\n  {s}\n",
    "php-append": lambda n, s: f'${n}Token .= "{s}";',
    "php-coalesce": lambda n, s: f'${n}Token ??= "{s}";',
    "xml-pair": lambda n, s: f'<entry>\n  <name="{n}Token" />\n  <value="{s}" />\n</entry>',
    "csv": lambda n, s: f"{n}Token,{s},",
    "quoted": lambda n, s: f"{n} '{s}'",
    "quoted-eq": lambda n, s: f"{n} = '{s}'",
    "found": lambda n, s: f"You can find a {n} secret {s} within",
    "table": lambda n, s: f"| service | api key |\n|---|---|\n| {n} | {s} |\n",
    "table-csv": lambda n, s: f"service,token,region\n{n},{s},eu\n",
}  # fmt: skip


def provider_vectors(seed: int = 7, *, each: int = 8) -> Iterator[Vector]:
    """``each`` cases for every style, over providers and alphabets."""
    rng = random.Random(seed)
    bodies = list(BODIES)
    for style, write in STYLES.items():
        for nth in range(each):
            body = bodies[(nth * 5 + len(style)) % len(bodies)]
            if style in {"table", "table-csv"} and body in {"digits", "uuid"}:
                body = "mixed40"
            if style == "csv" and body in {"digits", "uuid", "dotted"}:
                body = "lower32"
            if style in {"name-only", "comment"} and body in {"uuid", "digits", "hex40"}:
                body = "lower32"  # behind a bare name these are ids as often
            if style in {"call", "setter", "cli", "docker", "sentence"} and body == "digits":
                body = "hex32"
            secret = BODIES[body](rng)
            yield Vector(write(rng.choice(NAMES), secret), secret, f"{style}/{body}")


PASSWORDS = ("Tr0ub4dor&3", "hunter2!pass9", "zX9!kQ#72", "gx7Lq2vP", "q8$Tn!4mWz", "n0tS0Secret99", "kJ3-vw8_Zq")
PASSWORD_STYLES: dict[str, Callable[[str], str]] = {
    "env": lambda s: f"DB_PASSWORD={s}\n",
    "python": lambda s: f'password = "{s}"',
    "json": lambda s: json.dumps({"user": "svc", "password": s}),
    "yaml": lambda s: f"  password: {s}\n",
    "java": lambda s: f'dataSource.setPassword("{s}");',
    "php": lambda s: f"define('DB_PASSWORD', '{s}');",
    "csharp": lambda s: f'public string Pwd = "{s}";',
    "xml": lambda s: f"<password>{s}</password>",
    "ruby": lambda s: f"password: '{s}',",
    "mysql": lambda s: f"mysql -u root -p{s} shop",
    "curl": lambda s: f"curl -u admin:{s} https://h.acme.dev/x",
    "netrc": lambda s: f"machine h.acme.dev login svc password {s}",
    "cli": lambda s: f"createuser --password {s} --role x",
    "jdbc": lambda s: f"Server=db;Database=x;User Id=sa;Password={s};Encrypt=true",
    "prose": lambda s: f"the password is {s}",
    "sshpass": lambda s: f"sshpass -p '{s}' ssh root@h",
    "go": lambda s: f'pass := "{s}"',
    "ansible": lambda s: f"ansible_ssh_pass={s}",
    "js": lambda s: f"const userPassword = '{s}';",
    "korean": lambda s: f"비밀번호: {s}",
    "chinese": lambda s: f'密码 = "{s}"',
    "pair": lambda s: f"ID/PW: bob/{s}",
    "short": lambda s: f"pw: {s}",
    "slash": lambda s: f"P/W: {s}",
    "or": lambda s: f'PASSWORD = os.environ.get("PASSWORD") or "{s}"',
    "sqlcmd": lambda s: f"sqlcmd -S h -U sa -P {s} -i x.sql",
    "curl-lines": lambda s: f"curl -X POST https://h.acme.dev/x \\\n  -d 1 \\\n  -u svc:{s}",
    "attr": lambda s: f'<input type="password" name="password" value="{s}"/>',
}  # fmt: skip


def password_vectors() -> Iterator[Vector]:
    for style, write in PASSWORD_STYLES.items():
        for secret in PASSWORDS:
            yield Vector(write(secret), secret, f"password-{style}")


WORDS = ("blooberry", "centipede", "Aladdin", "open sesame", "marmalade")
"""Passwords without a digit."""
WORD_STYLES: dict[str, Callable[[str], str]] = {
    "python": lambda s: f'password = "{s}"',
    "json": lambda s: json.dumps({"user": "svc", "password": s}),
    "php": lambda s: f"'db_password' => '{s}',",
    "prose": lambda s: f"The default password is '{s}'",
    "xml": lambda s: f"<password>{s}</password>",
}  # fmt: skip


def word_vectors() -> Iterator[Vector]:
    for style, write in WORD_STYLES.items():
        for secret in WORDS:
            if style != "xml" or " " not in secret:
                yield Vector(write(secret), secret, f"word-{style}")


WRAPPINGS: dict[str, Callable[[str], str]] = {
    "json": json.dumps,
    "json-twice": lambda t: json.dumps(json.dumps(t)),
    "record": lambda t: json.dumps({"type": "user", "session_id": "s", "message": {"content": [{"text": t}]}}),
    "ansi": lambda t: "".join(f"\x1b[3{i % 8}m{t[i * 7 : i * 7 + 7]}\x1b[0m" for i in range(len(t) // 7 + 1)),
    "wrapped": lambda t: "\n".join(line[i : i + 40] for line in t.split("\n") for i in range(0, len(line) or 1, 40)),
    "url": lambda t: quote(t, safe=""),
    "base64": lambda t: base64.b64encode(t.encode()).decode(),
    "numbered": lambda t: "\n".join(f"{n:6}→{line}" for n, line in enumerate(t.split("\n"), 1)),
    "diff": lambda t: "\n".join(f"+{line}" for line in t.split("\n")),
}  # fmt: skip


def structural(seed: int = 11) -> Iterator[Vector]:
    """Random-looking text that is harmless by its structure."""
    rng = random.Random(seed)

    def b64(size: int) -> str:
        return base64.b64encode(rng.randbytes(size)).decode()

    for _ in range(12):
        sha1, sha256 = draw(rng, HEX, 40), draw(rng, HEX, 64)
        name = rng.choice(NAMES)
        yield Vector(f'"integrity": "sha512-{b64(64)}"', None, "npm")
        yield Vector(f'"node_modules/{name}": {{"version": "3.1.2", "integrity": "sha512-{b64(64)}"}}', None, "npm")
        yield Vector(f'  resolved "https://r.acme.dev/{name}/-/{name}-3.1.0.tgz#{sha1}"', None, "yarn")
        yield Vector(f"github.com/{name}/{name}-go v1.2.3 h1:{b64(32)}", None, "go.sum")
        yield Vector(f"github.com/{name}/sdk v0.0.0-20240101120000-{sha1[:12]}/go.mod h1:{b64(32)}", None, "go.sum")
        yield Vector(f"    --hash=sha256:{sha256} \\", None, "pip")
        yield Vector(f'name = "{name}"\nversion = "0.3.1"\nchecksum = "{sha256}"', None, "cargo")
        yield Vector(
            f"commit {sha1}\nAuthor: Dev <noreply@example.com>\n\n    Update {name} token handling", None, "git"
        )
        yield Vector(f"{sha1[:9]} Fix the {name} api key dialog", None, "git")
        yield Vector(f"index {sha1[:7]}..{sha1[8:15]} 100644", None, "git")
        yield Vector(f"image: acme/{name}@sha256:{sha256}", None, "docker")
        yield Vector(f'{{"id": "{uuid(rng)}", "session_id": "{uuid(rng)}", "user_id": "{uuid(rng)}"}}', None, "uuid")
        yield Vector(f"request id: {uuid(rng)} ({name})", None, "uuid")
        yield Vector(
            f'{{"uuid":"{uuid(rng)}","parentUuid":"{uuid(rng)}","requestId":"req_011{draw(rng, MIXED, 21)}"}}',
            None,
            "agent",
        )
        yield Vector(
            f'{{"tool_use_id":"toolu_01{draw(rng, MIXED, 22)}","call_id":"call_{draw(rng, MIXED, 24)}"}}', None, "agent"
        )
        yield Vector(f'"signature":"{b64(300)}"', None, "signature")
        yield Vector(f"![x](data:image/png;base64,{b64(400)})", None, "image")
        cert = "\n".join(b64(48) for _ in range(14))
        yield Vector(f"-----BEGIN CERTIFICATE-----\n{cert}\n-----END CERTIFICATE-----", None, "certificate")
        yield Vector(f"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA{b64(36)}", None, "public key")
        yield Vector(f'ETag: "{draw(rng, HEX, 32)}"\nContent-MD5: {b64(16)}', None, "etag")
        yield Vector(f"https://docs.acme.dev/d/1{draw(rng, URLSAFE, 43)}/edit", None, "url id")
        yield Vector(f"traceparent: 00-{draw(rng, HEX, 32)}-{draw(rng, HEX, 16)}-01", None, "trace")
        yield Vector(f"cache key: build-{sha256[:20]}", None, "cache")
        yield Vector(
            f'  File "/usr/lib/{name}/auth.py", line 31, in get_token\n    0x7f{draw(rng, HEX, 10)}', None, "trace"
        )


HARMLESS = (
    'apiKey: "YOUR_API_KEY"', "API_KEY=your-api-key-here", 'password = "changeme"', "export TOKEN=<your token>",
    "const token = process.env.GITHUB_TOKEN;", 'token = os.environ["SLACK_TOKEN"]', "password: string;",
    "apiKey?: string | undefined", "def get_token(self, user_id: int) -> str:", "api_key: Optional[str] = None",
    "Authorization: Bearer <token>", 'headers = {"Authorization": f"Bearer {token}"}', "self.password = password",
    'raise ValueError("password must not be empty")', "SECRET_KEY = get_random_secret_key()",
    "token = jwt.encode(payload, settings.SECRET_KEY, algorithm='HS256')", "if (!req.session.token) return res.status(401)",  # noqa: E501
    'export API_KEY="$(pass show work/api)"', "API_KEY=${{ secrets.API_KEY }}", "password: {{ db_password }}",
    "aws_secret_access_key = AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY=xxxxxxxxxxxxxxxxxxxxxxxx",
    'private static final String API_KEY_HEADER = "X-Api-Key";', "tokenizer = AutoTokenizer.from_pretrained(name)",
    'max_tokens: 4096, input_tokens: 120394, "cache_read_input_tokens": 1203944', "primary key (id, created_at)",
    "foreign_key = models.ForeignKey(User, on_delete=models.CASCADE)", "for key, value in mapping.items():",
    'input type="password" placeholder="Enter your password"', "<label for='password'>Password</label>",
    "keyboard: press Ctrl+Shift+P", "sort_key=lambda item: item.created_at", "passwordField.setText(resetMessage)",
    "let accessToken = await getAccessToken(clientId)", "auth: { type: 'bearer', token: user.accessToken }",
    'key: "settings.notifications.email"', "public_key_path = ~/.ssh/id_ed25519.pub", "author: Jane Doe",
    "token_type: bearer, expires_in: 3600", 'error: "invalid_token"', "the token is then refreshed by the client",
    "the key is stored in the keychain", "secret sauce: use a bigger cache", "tokens: 123456789012", "passed=1234 failed=0",  # noqa: E501
    "secretName: postgres-credentials", 'secretKeyRef: { name: "db-creds", key: "password" }', "pass through the arguments",  # noqa: E501
    "postgres://user:password@localhost:5432/db", "https://user:${PASSWORD}@host.acme.dev/x", "redis://localhost:6379/0",
    "sk_test_xxxxxxxxxxxxxxxxxxxxxxxx", "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", "Bearer token authentication is required",  # noqa: E501
    "TOKEN_EXPIRY_SECONDS = 3600000000", 'keyof typeof secretStore["items"]', "func NewToken(secret string, ttl time.Duration) (*Token, error)",  # noqa: E501
    "type Credentials struct { Username string; Password string }", "class PasswordResetForm(forms.Form):",
    "import { useAuthToken } from '../hooks/useAuthToken2';", "const KEY_PREFIX = 'user-settings-v2';", "api_key=api_key,",  # noqa: E501
    "PASSWORD_HASHERS = ['django.contrib.auth.hashers.Argon2PasswordHasher']", "openssl rand -hex 32 > secret.key",
    'assert response.json()["token"] is not None', "grep -rn 'api_key' src/ | head -20", "kubectl create secret generic db --from-file=./pw.txt",  # noqa: E501
    "-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----", 'if "-----BEGIN RSA PRIVATE KEY-----" in text: raise',  # noqa: E501
    "credential_process = /opt/bin/get-creds --profile prod2", "auth_url = https://auth.acme.dev/oauth2/v1/authorize",
    "token: ${TOKEN:-default}", "password=%s", "passphrase: ''", 'secret: ""', "apikey=null", "keyId: undefined",
    'password: "Enter your password"', '{"password": "Passwort", "forgot_password": "Passwort vergessen"}', "password = 'plaintext'",  # noqa: E501
    '"password": "required"', "confirmPassword: 'Passwords do not match'", 'type: "password", name: "userPassword"',
    "ID/PW are required", "the id/password pair", "| field | token |\n|---|---|\n| type | string |", "'PASSWORD', 'PUT-INT64',\n'QUIT', 'SHA256SUM',",  # noqa: E501
    "key = `--${def.key}|${def.short}`", 'key = f"{func.__name__}{repr(args)}"', 'password.encode("utf-8")', "enable secret <password>",  # noqa: E501
    "snmp-server community public RO", 'mysqli_connect("localhost", "user", "password")', "grafana/grafana:10.4.1", "sentry 24.1.0 released",  # noqa: E501
    "https://r.acme.dev/auth0/-/auth0-3.1.0.tgz#3562d8f384ac776fe3fca1e1de7d1c83e99d7573",
    "keyType=secp256k1&sigType=ecdsa-secp256k1", "update V8 to 10.7.193.22", "https://a:b@example.test/", "lip_sync_animation_controller_state",  # noqa: E501
    "The DATADOG_API_KEY variable must be set.", "sentry-cli 2.31.0 uploaded 12 files", "Slack channel C0123ABCD renamed",  # noqa: E501
)  # fmt: skip


def harmless() -> Iterator[Vector]:
    for text in HARMLESS:
        yield Vector(text, None, "harmless")


def covered(text: str, secret: str, spans: Iterator[tuple[int, int]] | list[tuple[int, int]]) -> float:
    """The part of the secret's characters, at its best covered place in a text, that the spans cover."""
    marks = bytearray(len(text))
    for start, end in spans:
        marks[start:end] = b"\1" * (end - start)
    best = 0.0
    at = text.find(secret)
    while at >= 0:
        best = max(best, sum(marks[at : at + len(secret)]) / len(secret))
        at = text.find(secret, at + 1)
    return best
