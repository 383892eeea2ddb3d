"""Secrets that their surroundings give away exactly: URLs with passwords, headers, cookies, key blocks, command lines.

A row is ``(rule, kind, tier, keywords, pattern, before, after, need)``: one of the lower-case ``keywords`` must stand in
the text, and ``need`` (where not empty) behind it; the RE2 ``pattern`` is searched from ``before`` code points before it
to ``after`` behind it; the secret is group 1. A pattern with possessive repetition (``}+``) is the standard library's:
where classes follow each other that share no character, counting to a thousand is RE2's worst and its best case.
"""

from __future__ import annotations

from typing import Final

__all__ = ["STRUCTURES", "Structure"]

_Row = tuple[str, str, int, tuple[str, ...], str, int, int]
Structure = tuple[str, str, int, tuple[str, ...], str, int, int, str]

_Q = r"[\"'`\\]"
_V = r"[^\s\"'`<>\\]"

_ROWS: Final[tuple[_Row, ...]] = (
    ("url-password", "password", 1, ("://",),
     r"(?:^|[^A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,24}://[^\s:/\"'`<>?#]{0,120}:([^\s\"'`<>]{1,200})@[A-Za-z0-9\[._-]", 26, 340),
    ("url-user-token", "token", 1, ("://",),
     r"[a-z][a-z0-9+.-]{1,24}://([A-Za-z0-9_-]{20,120})@[A-Za-z0-9._-]+", 26, 200),
    ("authorization", "authorization", 1, ("authorization",),
     rf"(?i)authorization{_Q}*\s*[:=,]\s*{_Q}*(?:(?:bearer|basic|token|api-token|digest|negotiate|apikey|api-key|key|ssws|bot|genie-?key|oauth|aws4-hmac-sha256)\s+)?"
     rf"([A-Za-z0-9._~+/=:@-]{{8,}})", 0, 900),
    ("bearer", "authorization", 1, ("bearer ",), r"(?i)\bbearer\s+([A-Za-z0-9._~+/=-]{10,})", 1, 900),
    ("secret-header", "api-key", 1,
     ("x-api-key", "api-token:", "-apikey:", "-token: ", "x-auth-token", "private-token", "x-access-token", "x-goog-api-key", "x-vault-token", "api-key:",
      "apikey:", "x-amz-security-token", "x-csrf-token", "x-shopify-access-token", "dd-api-key", "dd-application-key",
      "x-figma-token", "x-auth-key", "x-auth-email", "x-token", "ocp-apim-subscription-key", "x-functions-key",
      "x-gitlab-token", "x-hub-signature", "x-rapidapi-key", "x-subscription-token", "x-app-key", "x-secret"),
     rf"(?i)(?:x-[a-z0-9-]*(?:key|token|secret|signature)|private-token|api-?key|api-token|dd-(?:api|application)-key|ocp-apim-subscription-key)"
     rf"{_Q}*\s*[:=,]\s*{_Q}*({_V}{{8,}})", 12, 700),
    ("cookie", "cookie", 1, ("cookie",),
     rf"(?i)(?:^|[^\w-])(?:set-)?cookie{_Q}*\s*[:=]\s*{_Q}*((?:[\w.$!%-]+=[^\s;,\"'\\]{{1,}};?\s?)+)", 4, 1600),
    ("netrc", "password", 1, ("machine", "login"),
     r"(?i)\blogin\s+\S{1,120}\s+password\s+(\S{1,200})", 10, 420),
    ("curl-user", "password", 1, ("curl", "wget", "http "),
     rf"(?:curl|wget|http)\b(?:[^\n\\]|\\\r?\n|\\.){{0,400}}?\s(?:-u|--user|--proxy-user|-U)[ =]?\s*{_Q}*[^\s:\"'`\\]{{0,100}}{_Q}?:{_Q}?({_V}{{1,200}})", 0, 700),
    ("curl-user-token", "token", 1, ("curl",),
     rf"\bcurl\b(?:[^\n\\]|\\\r?\n|\\.){{0,400}}?\s(?:-u|--user)[ =]?\s*{_Q}?([^\s:\"'`\\]{{10,200}}):{_Q}?(?:\s|$)", 0, 700),
    ("sql-password", "password", 2, ("identified",),
     r"(?i)\bidentified\s+(?:with\s+\S{1,40}\s+)?(?:by|as)\s+(?:password\s+)?[\"']([^\"'\s]{3,200})[\"']", 0, 340),
    ("secure-string", "password", 2, ("convertto-securestring",),
     r"(?i)convertto-securestring\s+(?:-string\s+)?[\"']([^\"'\n]{3,200})[\"']", 0, 260),
    ("net-user", "password", 2, ("net user ",), r"(?i)\bnet user \S{1,60}\s+([^\s/\"']{4,100})(?:\s+/|$)", 0, 200),
    ("ldap-password", "password", 2, ("ldap",),
     rf"\bldap(?:search|modify|add|delete|whoami|passwd|compare)\b[^\n|;]{{0,300}}?\s-w\s*{_Q}?({_V}{{3,100}})", 0, 440),
    ("sudo-password", "password", 2, ("sudo -s", "sudo -k"), rf"\becho\s+{_Q}?({_V}{{3,100}}){_Q}?\s*\|\s*sudo\s+-[kS]", 140, 10),
    ("redis-config", "password", 2, ("requirepass", "masterauth"), rf"(?m)^\s*(?:requirepass|masterauth)\s+{_Q}?({_V}{{3,200}})", 8, 230),
    ("basic-credentials", "password", 2,
     ("networkcredential(", "httpbasicauth(", "httpdigestauth(", "usernamepasswordcredentials(", "passwordauthentication(", "auth=(", "auth = ("),
     r"(?i)(?:NetworkCredential|HTTPBasicAuth|HTTPDigestAuth|UsernamePasswordCredentials|PasswordAuthentication|\bauth\s?=\s?)\(\s*[\"'][^\"'\n]{1,100}[\"']\s*,"
     r"\s*[\"']([^\"'\n]{3,200})[\"']", 2, 380),
    ("basic-pair", "password", 2, ("basicauth", "basic_auth", "basic-auth"),
     r"(?i)basic[_-]?auth\\*[\"']?\s*[:=]\s*\\*[\"'][^\s:\"'\\]{1,60}:([^\s\"'\\]{3,100})[\"'\\]", 0, 240),
    ("option-password", "password", 1,
     ("--password", "--passwd", "--pass", "--token", "--api-key", "--apikey", "--secret", "--auth-token", "--access-token",
      "--client-secret", "--private-key", "--access-key", "--secret-key", "--db-password", "--master-password", "-password"),
     rf"(?i)--?(?:[a-z]+-){{0,3}}(?:password|passwd|pass|passphrase|token|api-?key|secret|secret-access-key|access-key|secret-key|private-key)"
     rf"(?:=|[ \t]+(?:\\\r?\n[ \t]*)?){_Q}*({_V}{{4,400}})", 24, 460),
    ("mysql-password", "password", 1, ("mysql", "mariadb", "mysqldump", "mysqladmin"),
     rf"\b(?:mysql|mariadb|mysqldump|mysqladmin)\b[^\n|;]{{0,200}}?\s-p{_Q}?({_V}{{3,100}})", 0, 340),
    ("sshpass", "password", 1, ("sshpass",), rf"\bsshpass\s+-p\s*{_Q}?({_V}{{1,100}})", 0, 160),
    ("login-password", "password", 1, (" login",),
     rf"\b(?:docker|podman|helm|az|oc|skopeo|buildah|npm|heroku|cf|oras|crane)\b[^\n|;]{{0,60}}? login\b[^\n|;]{{0,200}}?\s-p[ =]{_Q}?({_V}{{3,300}})", 40, 600),
    ("redis-password", "password", 1, ("redis-cli",), rf"\bredis-cli\b[^\n|;]{{0,200}}?\s-a\s+{_Q}?({_V}{{3,200}})", 0, 440),
    ("openssl-pass", "password", 1, ("pass:",), rf"-pass(?:in|out)?\s+pass:({_V}{{1,200}})", 12, 220),
    ("presigned-url", "signature", 1,
     ("x-amz-signature=", "x-amz-security-token=", "x-goog-signature=",
      "awsaccesskeyid=", "key-pair-id=", "x-oss-signature=", "x-cos-security-token="),
     r"(?i)(?:x-amz-(?:signature|security-token)|x-goog-signature|awsaccesskeyid|key-pair-id|x-oss-signature|x-cos-security-token)"
     r"=([A-Za-z0-9%/+=._~-]{8,})", 0, 1000),
    # Behind the key's id stand the day, the region and the service, which are no secrets.
    ("presigned-credential", "aws-key-id", 1, ("x-amz-credential=", "x-goog-credential="),
     r"(?i)x-(?:amz|goog)-credential=((?:[A-Za-z0-9+=._~-]|%40){8,})", 0, 300),
    ("terraform-random", "password", 2, ('"random_password"',),
     r"\"random_password\"[^}]{0,900}?\"result\"\s*:\s*\"([^\"\n]{4,200})\"", 0, 1200),
    ("signed-url", "signature", 1, ("sig=", "signature="),
     r"(?i)[?&](?:amp;)?(?:sig|signature)=([A-Za-z0-9%/+=_~-]{24,1000})", 8, 700),
    ("query-token", "token", 1,
     ("token=", "api_key=", "apikey=", "key=", "secret=", "password=", "passwd=", "pwd=", "auth=", "code="),
     r"(?i)[?&](?:amp;)?(?:access_?token|auth_?token|refresh_?token|id_?token|token|api_?key|apikey|app_?key|app_?id|key|client_?secret|secret|password|passwd|pwd|auth|sas|session_?token)"
     r"=([^\s&\"'`<>#\\]{6,})", 24, 700),
    ("connection-password", "password", 1, ("password=", "pwd=", "password =", "pwd ="),
     r"(?i)(?:server|host|data source|database|user id|uid|user|username|initial catalog|endpoint)\s*=[^\n\"']{1,300};\s*(?:password|pwd)\s*=\s*([^;\"'\s]{1,200})", 330, 230),
    ("login-pair", "password", 2,
     ("id/p", "user/p", "username/p", "login/p", "account/p", "id pw ", "id&pw", "id / p", "계정/p", "아이디/p", "id:pw", "id(pw", "user&p"),
     r"(?i)(?:\b(?:id|user(?:[ _-]?name)?|login|account))\)?\s?[/&: (,]\s?\(?(?:pw|pwd|pass|passwd|password)\b\)?(?:/port)?\s{0,3}(?:[:=-]>?|->|are|is|\()?\s{0,3}"
     r"[\w.@-]{1,60}\s?(?:[/:,(]{1,2}|//)\s?([^\s/,;:()\"']{4,60})", 4, 160),
    ("directory-entry", "password", 2, ("directoryentry(",),
     r"(?i)\bDirectoryEntry\(\s*\"[^\"\n]{3,200}\"\s*,\s*\"[^\"\n]{1,120}\"\s*,\s*\"([^\"\n]{3,120})\"", 0, 480),
    ("getenv-default", "password", 2, ("getenv(", "environ.get(", "envordefault("),
     r"(?i)(?:getenv|environ\.get|envordefault)\(\s*[\"'][\w.-]{0,40}(?:pass(?:word|wd)?|secret|token|key|pwd)[\w.-]{0,20}[\"']\s*(?:,\s*|\)\s*or\s+)b?[\"']([^\"'\s]{6,200})[\"']", 0, 330),
    ("ssh-password", "password", 2, ("ssh -p ", "plink ", "pscp "), r"\b(?:ssh -P|(?:plink|pscp)\b[^\n]{0,80}? -pw) ([^\s\"']{6,60})(?:\s|$)", 0, 180),
    ("host-login", "password", 2, ("(pw", "/pw", ",pw", " pw:", "(pwd", "(password", "(pass:"),
     r"(?i)[\w)\]][ ,/]{0,2}\(?(?:pw|pwd|password|pass)[):=]{1,2}\s?([^\s()\"',;/]{6,60})\)?(?:[\s,;]|$)", 3, 90),
    ("db-connect", "password", 2,
     ("mysql_connect(", "mysql_pconnect(", "mysqli_connect(", "new mysqli(", "new pdo(", "dbi->connect(", "dbi.connect(", "getconnection(",
      "mysqldb.connect(", "pymysql.connect(", "cx_oracle.connect(", "oci_connect(", "ftp_login(", "imap_open(", "smtp.login(", ".login("),
     r"(?i)(?:mysqli?_p?connect|new (?:mysqli|PDO)|DBI(?:->|\.)connect|getConnection|(?:MySQLdb|pymysql|cx_Oracle)\.connect|oci_connect|imap_open|ftp_login|\.login)\(\s*"
     r"(?:[^\s,()\"']{1,80}\s*,\s*|[\"'][^\"'\n]{1,200}[\"']\s*,\s*)?[\"'][^\"'\n]{1,100}[\"']\s*,\s*[\"']([^\"'\n]{4,128})[\"']", 12, 520),
    ("dsn-password", "password", 2, (" password=", ";password=", "&password=", " pwd="),
     r"(?i)\b(?:user|username|uid|host|dbname|hostname)=[^\s\"';&,(]{1,100}(?:[ ;&][\w.-]{1,40}=[^\s\"';&,(]{0,100}){0,8}[ ;&](?:password|pwd)=([^\s\"';&,()]{4,128})", 400, 160),
    ("device-password", "password", 2,
     ("enable secret", "enable password", "snmp-server community", "pac key ", "radius-server", "tacacs-server", "isakmp key", "pre-shared-key ",
      "ppp chap password", "key-string ", "wpa-psk ascii"),
     r"(?im)^\s*(?:enable (?:secret|password)|snmp-server community|pac key|(?:radius|tacacs)-server[^\n]{0,80}? key|crypto isakmp key|pre-shared-key(?: (?:local|remote|ascii-text|hex))?"
     r"|ppp chap password|key-string|wpa-psk ascii)\s+(?:level \d+ )?(?:\d\s+)?(\S{5,128})", 90, 260),
    ("tool-password", "password", 2,
     ("psexec", "sqlcmd", " bcp ", "mongodump", "mongorestore", "mongosh", "smbclient", "sqlplus", "storepass", "keypass", "xfreerdp", "rdesktop",
      "lftp ", "7z ", "zip -", "htpasswd -b", "net use ", "wmic", "schtasks", "runas", "evil-winrm", "crackmapexec", "winexe", "ipmitool"),
     rf"(?i)(?:\bpsexec[^\n]{{0,100}}? -p |\b(?:sqlcmd|bcp)\b[^\n]{{0,160}}? -P ?|\bmongo(?:dump|restore|sh|import|export)?\b[^\n]{{0,160}}? -p ?|\bsmbclient\b[^\n]{{0,100}}? -U ?\S{{1,60}}%"
     rf"|\bsqlplus\s+(?:-\w+\s+){{0,3}}[\w.]{{1,40}}/|-(?:store|key|dest(?:store|key)|srcstore)pass |\bxfreerdp\b[^\n]{{0,120}}? /p:|\brdesktop\b[^\n]{{0,100}}? -p "
     rf"|\blftp\b[^\n]{{0,60}}? -u ?[\w.@-]{{1,60}},|\b7z\b[^\n]{{0,60}}? -p|\b(?:un)?zip\b[^\n]{{0,40}}? -P |\bhtpasswd -b\w* \S{{1,100}} \S{{1,60}} "
     rf"|\bnet use\b[^\n]{{0,100}}? /user:\S{{1,60}} |/(?:rp|password|pass)[: ]|\b(?:evil-winrm|crackmapexec|winexe)\b[^\n]{{0,100}}? -p |\bipmitool\b[^\n]{{0,100}}? -P )"
     rf"{_Q}?({_V}{{4,100}})", 120, 260),
    ("truenas-key", "truenas-key", 1, ("login_with_api_key", "truenas"), r"\b(\d{1,4}-[A-Za-z0-9]{64})\b", 0, 300),
    ("putty-key", "private-key", 1, ("private-lines:",), r"(Private-Lines:[ \t]*\d+(?:\s+[A-Za-z0-9+/=]{16,80})+)", 0, 12_000),
    ("private-key-body", "private-key", 1,
     ("b3blbnnzac1rzxktdjea", "miieo", "miiev", "miicx", "miijk", "miijq", "mhccaqee", "mc4caqawbqydk2vwbcie", "miigh", "miijj",
      "migtageaambmgbyqgsm49", "miig5aibaakcayea", "miipkaibaakcbaea"),
     r"\b((?:b3BlbnNzaC1rZXktdjEA|MII(?:Eo[gwQ]IBAAKCAQEA|Ev[QgwA]IBADANBg|CX[AQgw]IBAAKBgQ|JK[AQgw]IBAAKCAgEA|JQ[AQgw]IBADANBg|G[0-9A-Za-z]{1,2}IBAAKCAYEA|PKAIBAAKCBAEA)"
     r"|MHcCAQEE|MC4CAQAwBQYDK2VwBCIE|MIGTAgEAMBMGByqGSM49)[A-Za-z0-9+/=\s\\]{20,900}[A-Za-z0-9+/=\s\\]{0,900}[A-Za-z0-9+/=\s\\]{0,900}[A-Za-z0-9+/=\s\\]{0,900})", 0, 5_000),
    ("jwt", "jwt", 1, ("eyj",),
     r"\b(eyJ[A-Za-z0-9_-]{6,1000}+\.(?:eyJ[A-Za-z0-9_-]{4,3000}+|[A-Za-z0-9_-]{0,3000}+)\.[A-Za-z0-9_-]{0,1000}+(?:\.[A-Za-z0-9_-]{8,1000}+\.[A-Za-z0-9_-]{8,1000}+)?)", 0, 6_000),
    ("docker-auth", "password", 1, ('"auth"', '\\"auth\\"'),
     r"\\*\"auth\\*\"\s*:\s*\\*\"([A-Za-z0-9+/]{8,400}={0,2})\\*\"", 2, 460),
    ("password-hash", "password-hash", 2, ("$2a$", "$2b$", "$2y$", "$6$", "$5$", "$1$", "$apr1$", "$argon2", "$y$", "$7$", "$8$", "$9$", "{ssha", "$2x$", "pbkdf2_sha"),
     r"(\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}|\{SSHA(?:256|512)?\}[A-Za-z0-9+/]{24,140}={0,2}|\$(?:1|5|6|7|8|9|y|apr1)\$[^\s$:]{1,60}\$[./A-Za-z0-9$]{20,110}|\$argon2(?:id|i|d)\$[^\s\"']{20,200}"
     r"|pbkdf2_sha(?:1|256)\$\d+\$[^\s\"']{20,120})", 0, 320),
    ("pgpass", "password", 2, (":5432:", ":5433:", ":6543:"),
     r"(?m)^[\w.*-]{1,120}:(?:\d{2,5}|\*):[\w.*-]{1,80}:[\w.*-]{1,80}:([^\s:]{3,120})$", 130, 300),
    ("htpasswd-pair", "password", 2, ("echo ",), r"\becho\s+(?:-n\s+)?[\"']?[A-Za-z0-9_.-]{1,60}:([^\s\"'|]{6,100})[\"']?\s*\|\s*(?:base64|sudo chpasswd|chpasswd)", 0, 220),
    ("age-identity", "private-key", 1, ("age-secret-key-",), r"(AGE-SECRET-KEY-[A-Z0-9]{40,80})", 0, 100),
    ("seed-phrase", "seed-phrase", 2, ("mnemonic", "seed phrase", "seed_phrase", "recovery phrase", "seedphrase"),
     rf"(?i)(?:mnemonic|(?:seed|recovery)[ _]?phrase){_Q}*\s*[:=]\s*{_Q}*((?:[a-z]{{3,8}} ){{11,23}}[a-z]{{3,8}})\b", 0, 300),
)  # fmt: skip

_NEEDS: Final = {
    "url-password": "@",
    "url-user-token": "@",
    "curl-user": ":",
    "connection-password": ";",
    "tool-password": " ",
    "dsn-password": "=",
    "mysql-password": "-p",
    "redis-password": "-a",
    "login-password": "-p",
}

STRUCTURES: Final[tuple[Structure, ...]] = tuple((*row, _NEEDS.get(row[0], "")) for row in _ROWS)
