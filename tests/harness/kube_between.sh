# Servers between tare and the cluster, for tests in bash: an admission webhook, and a proxy before the API server. Source it after
# kube_faults.sh. Both read what to do anew at each request, so that it can change in the middle. They end with the test.
#
#   kube_webhook NAME RULE           a webhook of updates of workloads in $namespace; RULE: allow, deny TEXT, late MS, garbage, and before it
#                                    `nth N`: only from the N-th update on (dry runs and controllers count; see $tmp/webhook-NAME.log), or
#                                    `real OBJECT`: only updates of this one, and no dry runs
#                                    In force when it returns; called again with another RULE it changes
#   kube_webhook_off NAME
#   kube_proxy RULE…                 starts the proxy, or changes its rules. A RULE is one word: METHOD:PART:ACTION[:VALUE[:TIMES]], for requests
#                                    whose path holds PART (PART may be empty, METHOD may be *), TIMES of them (default all). ACTION:
#                                      before  waits VALUE ms, then forwards          late  forwards, then waits VALUE ms with the answer
#                                      drop    forwards, closes without an answer      cut   forwards, answers VALUE bytes of the body and closes
#                                      refuse  closes without forwarding               hang  never answers, does not forward
#                                      status  answers VALUE (429: Retry-After 1) and does not forward      garbage  answers what is no JSON
#   kube_proxy_config [KIND USER]    prints a kubeconfig that comes in through it (default: token admin); no client certificates
#   kube_proxy_log                   what came by: METHOD PATH ACTION, a line each

kube_certificate() {
    local pki=$kube_dir/pki
    [[ -s $tmp/between.pem ]] && return 0
    openssl req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -batch -subj "/CN=between" \
        -addext "subjectAltName=IP:127.0.0.1,DNS:localhost" -addext "basicConstraints=critical,CA:FALSE" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" \
        -keyout "$tmp/between.key" -out "$tmp/between.crt" 2>"$tmp/between.log" && cat "$tmp/between.key" "$tmp/between.crt" >"$tmp/between.pem"
}

# kube_python NAME FILE ARGUMENT…: a server that prints its port; at_exit ends it by its pid.
kube_python() {
    local name=$1 i
    shift
    need python3
    kube_certificate || return
    python3 "$@" >"$tmp/$name.port" 2>"$tmp/$name.err" 6>&- 7>&- 8>&- </dev/null &
    at_exit kill "$!"
    for ((i = 0; i < 1200; i++)); do
        [[ ! -s $tmp/$name.port ]] || return 0
        sleep 0.05
    done
    diag "$name does not start: $(<"$tmp/$name.err")"
    return 1
}

kube_webhook() {
    local name=$1 rule=$2 fresh='' full=$namespace-$1
    [[ -e $tmp/webhook-$name ]] || fresh=1
    printf '%s\n' "$rule" >"$tmp/webhook-$name.new" && mv "$tmp/webhook-$name.new" "$tmp/webhook-$name"
    [[ -n $fresh ]] || return 0
    cat >"$tmp/webhook.py" <<'PYTHON'
import json, os, ssl, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
rules, log, pem = sys.argv[1:4]
seen = [0]
class Hook(BaseHTTPRequestHandler):
    def log_message(self, *_): pass
    def do_POST(self):
        review = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request = review["request"]
        probe = request["kind"]["kind"] == "ConfigMap"
        if not probe:
            seen[0] += 1
        words = open(rules).read().strip().split(" ")
        if words[0] == "nth":
            words = words[2:] if seen[0] >= int(words[1]) or probe else ["allow"]
        if words[0] == "real":
            words = words[2:] if probe or request.get("name") == words[1] and not request.get("dryRun") else ["allow"]
        with open(log, "a") as out:
            out.write("%s/%s %s\n" % (request["kind"]["kind"], request.get("name"), "dry" if request.get("dryRun") else "real"))
        answer = {"uid": request["uid"], "allowed": words[0] != "deny" and not probe}
        if probe:
            answer["status"] = {"message": "in force"}
        elif words[0] == "deny":
            answer["status"] = {"message": " ".join(words[1:]), "code": 403}
        elif words[0] == "late":
            time.sleep(int(words[1]) / 1000)
        body = json.dumps({"apiVersion": review["apiVersion"], "kind": review["kind"], "response": answer}).encode()
        if words[0] == "garbage" and not probe:
            body = b"<html>not what you asked"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(pem)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
    kube_python "webhook-$name-server" "$tmp/webhook.py" "$tmp/webhook-$name" "$tmp/webhook-$name.log" "$tmp/between.pem" || return
    at_exit kube delete validatingwebhookconfiguration "$full" --ignore-not-found
    cat >"$tmp/webhook.yaml" <<YAML
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: $full}
webhooks:
- name: $name.test.invalid
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Fail
  timeoutSeconds: 10
  clientConfig: {url: "https://127.0.0.1:$(<"$tmp/webhook-$name-server.port")/", caBundle: $(base64 -w 0 "$kube_dir/pki/ca.crt")}
  namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: $namespace}}
  rules:
  - {apiGroups: [apps, batch], apiVersions: ["*"], operations: [UPDATE], resources: [deployments, statefulsets, daemonsets, cronjobs]}
  - {apiGroups: [""], apiVersions: [v1], operations: [UPDATE], resources: [configmaps]}
YAML
    kube create configmap "probe-$name" -n "$namespace" >"$tmp/webhook.log" 2>&1
    kube apply -f "$tmp/webhook.yaml" >>"$tmp/webhook.log" 2>&1 || { diag "$(<"$tmp/webhook.log")"; return 1; }
    kube_until kube_denied "probe-$name"
}

kube_webhook_off() {
    kube delete validatingwebhookconfiguration "$namespace-$1" --ignore-not-found >"$tmp/webhook.log" 2>&1
    kube_until kube patch configmap "probe-$1" -n "$namespace" --dry-run=server --type=merge -p '{"data":{"x":"y"}}'
}

kube_proxy() {
    local fresh=''
    [[ -e $tmp/proxy.rules ]] || fresh=1
    printf '%s\n' "$@" >"$tmp/proxy.rules.new" && mv "$tmp/proxy.rules.new" "$tmp/proxy.rules"
    [[ -n $fresh ]] || return 0
    cat >"$tmp/proxy.py" <<'PYTHON'
import http.client, os, ssl, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit
rules, log, pem, url, authority = sys.argv[1:6]
lock, used = threading.Lock(), {}
def action(method, path):
    for line in open(rules).read().split("\n"):
        part = line.split(":")
        if len(part) < 3 or part[0] not in ("*", method) or part[1] not in path:
            continue
        key = (os.stat(rules).st_ino, line)
        with lock:
            if len(part) > 4 and used.get(key, 0) >= int(part[4]):
                continue
            used[key] = used.get(key, 0) + 1
        return part[2], int(part[3]) if len(part) > 3 and part[3] else 0
    return "pass", 0
class Between(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def plain(self, status, body, headers):
        self.send_response(status)
        for name, value in headers + [("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
    def any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        what, value = action(self.command, self.path)
        with lock, open(log, "a") as out:
            out.write("%s %s %s\n" % (self.command, self.path, what))
        if what == "refuse":
            self.close_connection = True
            return
        if what == "hang":
            time.sleep(3600)
        if what == "status":
            text = '{"kind":"Status","apiVersion":"v1","status":"Failure","message":"planted","reason":"TooManyRequests","code":%d}' % value
            return self.plain(value, text.encode(), [("Content-Type", "application/json")] + ([("Retry-After", "1")] if value == 429 else []))
        if what == "garbage":
            return self.plain(200, b"\x00\xff<html>{{{", [("Content-Type", "application/json")])
        if what == "before":
            time.sleep(value / 1000)
        place = urlsplit(url)
        upstream = http.client.HTTPSConnection(place.hostname, place.port, context=ssl.create_default_context(cafile=authority), timeout=900)
        headers = {name: text for name, text in self.headers.items() if name.lower() not in ("host", "connection", "accept-encoding", "te")}
        try:
            upstream.request(self.command, self.path, body or None, headers)
            answer = upstream.getresponse()
        except OSError:
            self.close_connection = True
            return
        if what == "drop":
            answer.read()
            self.close_connection = True
            return
        if what == "late":
            time.sleep(value / 1000)
        self.send_response(answer.status)
        for name, text in answer.getheaders():
            if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                self.send_header(name, text)
        known = answer.getheader("Content-Length")
        if known is None:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        left = value if what == "cut" else None
        while True:
            piece = answer.read1(65536)
            if left is not None and len(piece) >= left:
                piece, left = piece[:left], 0
            elif left is not None:
                left -= len(piece)
            if piece:
                self.wfile.write(piece if known is not None else b"%x\r\n%s\r\n" % (len(piece), piece))
                self.wfile.flush()
            if left == 0:
                self.close_connection = True
                return
            if not piece:
                break
        if known is None:
            self.wfile.write(b"0\r\n\r\n")
    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = any
class Server(ThreadingHTTPServer):
    daemon_threads = True
    def handle_error(self, *_): pass
server = Server(("127.0.0.1", 0), Between)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(pem)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_address[1], flush=True)
server.serve_forever()
PYTHON
    : >"$tmp/proxy.log"
    kube_python proxy "$tmp/proxy.py" "$tmp/proxy.rules" "$tmp/proxy.log" "$tmp/between.pem" "$kube_url" "$kube_dir/pki/ca.crt"
}

kube_proxy_config() {
    local file=$tmp/users/proxy-${2:-admin}.kubeconfig
    sed "s|server: .*|server: https://127.0.0.1:$(<"$tmp/proxy.port")|" "$(kube_config "${1:-token}" "${2:-admin}")" >"$file"
    printf '%s\n' "$file"
}

kube_proxy_log() { cat "$tmp/proxy.log"; }
