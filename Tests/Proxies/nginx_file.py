"""examples/front/nginx.conf for a test: the same file with other addresses, and folders that need no root."""
from __future__ import annotations

import getpass
import os
import re
import subprocess
from typing import List, Optional

from stage import EXAMPLES, Process, Stage, free_port, until

NGINX = "/usr/sbin/nginx"


def write(folder: str, port: int, fronts: Optional[List[str]] = None, tls: Optional[int] = None) -> str:
    """Writes a copy that listens on `port` of 127.0.0.1, or with its TLS lines on the port `tls`, and redirects from `port`."""
    with open(os.path.join(EXAMPLES, "nginx.conf"), encoding="utf-8") as file:
        text = file.read()

    def put(old: str, new: str, times: int = 1) -> None:
        nonlocal text
        if text.count(old) != times:
            raise RuntimeError(f"nginx.conf: {old!r} is there {text.count(old)} times, not {times}")
        text = text.replace(old, new)

    plain = "        listen 80;\n        listen [::]:80;\n"
    put(plain, "" if tls else f"        listen 127.0.0.1:{port};\n")
    if tls:
        put("#server { listen 80; listen [::]:80;", f"#server {{ listen 127.0.0.1:{port};")
        text = re.sub(r"^( *)#(?! )", r"\1", text, flags=re.MULTILINE)
        put("        listen 443 ssl http2;\n        listen [::]:443 ssl http2;", f"        listen 127.0.0.1:{tls} ssl http2;")
        put("/etc/ssl/certs/front.pem", f"{folder}/nginx-cert.pem")
        put("/etc/ssl/private/front.key", f"{folder}/nginx-key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-keyout", f"{folder}/nginx-key.pem", "-out", f"{folder}/nginx-cert.pem"],
                       check=True, stderr=subprocess.DEVNULL)
    put("user www-data;\n", f"user {getpass.getuser()};\n")
    put("worker_processes auto;", "worker_processes 2;")
    kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    put("\nhttp {\n", "\nhttp {\n" + "".join(f"    {kind}_temp_path {folder}/nginx-{kind};\n" for kind in kinds))
    put("/var/log/nginx/access.log", f"{folder}/nginx-access.log")
    for old, new in zip(["127.0.0.1:8081", "127.0.0.1:8082"], fronts or []):
        put(f"server {old} ", f"server {new} ")
    path = os.path.join(folder, "nginx-tls.conf" if tls else "nginx.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def command(folder: str, path: str) -> List[str]:
    return [NGINX, "-c", path, "-e", "stderr", "-g", f"daemon off; pid {folder}/{os.path.basename(path)}.pid;"]


# What Debian's own nginx.conf says before it includes /etc/nginx/conf.d.
DEBIAN = """
events { worker_connections 768; }
http {
    sendfile on; tcp_nopush on; types_hash_max_size 2048; include /etc/nginx/mime.types; default_type application/octet-stream;
    ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on; access_log %(folder)s/access.log; gzip on;
    include %(folder)s/tempest.conf;
}
"""


def check(folder: str) -> None:
    """Has nginx itself read the file: with TLS and without, and what is inside `http` as a part of Debian's configuration."""
    for tls in [None, free_port()]:
        path = write(folder, free_port(), tls=tls)
        with open(path, encoding="utf-8") as file:
            inside = file.read().partition("\nhttp {\n")[2].rpartition("}")[0]
        with open(os.path.join(folder, "tempest.conf"), "w", encoding="utf-8") as file:
            file.write(inside)
        debian = os.path.join(folder, "debian.conf")
        with open(debian, "w", encoding="utf-8") as file:
            file.write(DEBIAN % {"folder": folder})
        for one in [path, debian]:
            subprocess.run([*command(folder, one), "-t", "-q"], check=True)


def start(stage: Stage, port: int, fronts: List[str], tls: Optional[int] = None) -> Process:
    path = write(stage.folder, port, fronts, tls)
    nginx = stage.run(os.path.basename(path), command(stage.folder, path))
    until("nginx has begun", lambda: os.path.exists(f"{path}.pid"))
    return nginx
