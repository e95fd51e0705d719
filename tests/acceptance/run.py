"""Deploys the product with the real SAM command line into an emulator of AWS on this machine, and does the main job there.

    tests/acceptance/run.py [--built | --programs FOLDER]

It needs MiniStack, boto3, the SAM command line and cargo-lambda, which `.ci/run` installs into `.ci/tools`. It runs
`sam build` first; `--built` takes what the last one made, and `--programs target/debug` the programs that
`cargo build --workspace` made for this machine. At its end it says what ran for real and what was emulated.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".ci" / "tools"
STACK = "acceptance"
REGION = "us-east-1"
PATIENCE = 150

REAL = [
    "sam deploy and sam delete: the whole template, through a change set",
    "API Gateway's events (payload 2.0) with the caller's role, as the functions read them",
    "the AWS SDK in every function: DynamoDB, Secrets Manager, Step Functions, Scheduler, EventBridge over HTTP",
    "sync.asl.json: every slice of the sync was started by an execution of the state machine",
    "EventBridge Scheduler started the poll by itself",
    "Okta's side over HTTP: tokens with DPoP, key URL, hooks (by the project's own simulator)",
]
EMULATED = [
    "every AWS service, by MiniStack: policies are not enforced, and nothing is said of its limits, times or prices",
    "Lambda's sandbox: the programs run as processes of this machine",
    "the tenant, by okta-simulator",
    "OKTA_CONNECTOR_PUBLIC_URL and OKTA_CONNECTOR_ALLOW_ORIGIN, set after deployment: the emulator's host is not AWS's,"
    " and a simulated tenant has to be allowed",
]


def say(text: str) -> None:
    print(f"[{time.monotonic() - BEGAN:6.1f} s] {text}", flush=True)


def free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


def environment(**more: str) -> dict[str, str]:
    keep = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    path = f"{TOOLS / 'sam' / 'bin'}{os.pathsep}{keep.get('PATH', '')}"
    aws = {"AWS_ACCESS_KEY_ID": "ci", "AWS_SECRET_ACCESS_KEY": "ci", "AWS_DEFAULT_REGION": REGION}
    return keep | aws | {"PATH": path, "SAM_CLI_TELEMETRY": "0"} | more


def wait_for(what: str, look):
    """Looks again until there is something to see."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        seen = look()
        if seen:
            return seen
        time.sleep(0.5)
    raise SystemExit(f"{what}: not seen for {PATIENCE} s")


def expect(what: str, seen, wanted) -> None:
    if seen != wanted:
        raise SystemExit(f"{what}: {seen!r}, not {wanted!r}")


def fetch(method: str, url: str, body=None, headers=None) -> tuple[int, object]:
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | (headers or {})
    request = urllib.request.Request(url, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    try:
        return status, json.loads(text) if text else None
    except ValueError:
        return status, text.decode(errors="replace")


class Emulator:
    """MiniStack, which runs the functions' programs as well."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        log = (TOOLS / "acceptance-ministack.log").open("w")
        settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.port), "AWS_ENDPOINT_URL": self.url}
        command = [str(TOOLS / "lint" / "bin" / "ministack")]
        started = environment(**settings, IOT_MTLS_ENABLED="0")
        self.process = subprocess.Popen(command, env=started, stdout=log, stderr=log, start_new_session=True)
        wait_for("MiniStack", lambda: self.is_up())

    def is_up(self) -> bool:
        try:
            return fetch("GET", f"{self.url}/_ministack/health")[0] == 200
        except OSError:
            return False

    def client(self, service: str):
        keys = {"aws_access_key_id": "ci", "aws_secret_access_key": "ci"}
        return boto3.client(service, endpoint_url=self.url, region_name=REGION, **keys)

    def stop(self) -> None:
        os.killpg(self.process.pid, signal.SIGTERM)


class Tenant:
    """The simulated tenant and its operator's door."""

    def __init__(self) -> None:
        command = [str(ROOT / "target" / "debug" / "okta-simulator"), "--port", "0", "--users", "300", "--groups", "20"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.told = json.loads(self.process.stdout.readline())
        self.url = self.told["listening"]

    def door(self, method: str, path: str, body=None):
        status, told = fetch(method, f"{self.url}/_sim/{path}", body)
        if status >= 300:
            raise SystemExit(f"{method} /_sim/{path}: {status} {told}")
        return told


class Api:
    """The deployed API, called by a role: requests are signed."""

    def __init__(self, url: str, role: dict) -> None:
        self.url = url
        self.credentials = Credentials(role["AccessKeyId"], role["SecretAccessKey"], role["SessionToken"])

    def call(self, method: str, path: str, body=None, wanted: int = 200):
        data = None if body is None else json.dumps(body)
        headers = {"content-type": "application/json"}
        request = AWSRequest(method=method, url=f"{self.url}{path}", data=data, headers=headers)
        SigV4Auth(self.credentials, "execute-api", REGION).add_auth(request)
        status, told = fetch(method, f"{self.url}{path}", body, dict(request.headers))
        expect(f"{method} {path} ({told})", status, wanted)
        return told


def sam(*arguments: str, **more: str) -> None:
    subprocess.run([str(TOOLS / "sam" / "bin" / "sam"), *arguments], cwd=ROOT, env=environment(**more), check=True)


def deploy(emulator: Emulator, admin: str, template: Path) -> dict[str, str]:
    emulator.client("s3").create_bucket(Bucket="programs")
    parameters = ["Architecture=x86_64", f"AdminRoleArns={admin}"]
    # An environment that samconfig.toml does not name: nothing is asked, and the bucket is the one above.
    sam("deploy", "--template-file", str(template), "--config-env", "acceptance", "--stack-name", STACK, "--capabilities", "CAPABILITY_IAM",
        "--no-confirm-changeset", "--no-progressbar", "--s3-bucket", "programs", "--parameter-overrides", *parameters,
        AWS_ENDPOINT_URL=emulator.url)
    stack = emulator.client("cloudformation").describe_stacks(StackName=STACK)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def functions(emulator: Emulator) -> list[str]:
    listed = emulator.client("lambda").list_functions()["Functions"]
    return [it["FunctionName"] for it in listed if it["FunctionName"].startswith(f"{STACK}-")]


def allow(emulator: Emulator, public_url: str, tenant: str) -> None:
    client = emulator.client("lambda")
    for name in functions(emulator):
        variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        variables |= {"OKTA_CONNECTOR_PUBLIC_URL": public_url, "OKTA_CONNECTOR_ALLOW_ORIGIN": tenant}
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def watched(emulator: Emulator, bus: str) -> str:
    """A queue that gets whatever is published on the bus."""
    sqs, events = emulator.client("sqs"), emulator.client("events")
    queue = sqs.create_queue(QueueName="published")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": ["okta-connector"]})
    events.put_rule(Name="all", EventBusName=bus, EventPattern=pattern, State="ENABLED")
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    return queue


def published(emulator: Emulator, queue: str, seen: list) -> list:
    messages = emulator.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    seen.extend(json.loads(message["Body"])["detail"] for message in messages)
    return seen


def schedules(emulator: Emulator, connection: str) -> list[str]:
    client = emulator.client("scheduler")
    groups = [group["Name"] for group in client.list_schedule_groups()["ScheduleGroups"]]
    listed = [it for group in groups for it in client.list_schedules(GroupName=group)["Schedules"]]
    return sorted(it["Name"].removeprefix(f"{connection}-") for it in listed if it["Name"].startswith(connection))


def main_job(emulator: Emulator, tenant: Tenant, api: Api, queue: str, machine: str) -> None:
    expect("health without a caller", fetch("GET", f"{api.url}/v1/health")[0], 200)
    status, _ = fetch("GET", f"{api.url}/v1/connections")
    expect("connections without a caller are refused", status in (401, 403), True)

    made = api.call("POST", "/v1/connections", {"name": "Acme", "auth": {"type": "private_key_jwt"}}, 201)
    connection, path = made["id"], f"/v1/connections/{made['id']}"
    tenant.door("PATCH", "app", {"jwks_uri": made["public_key_url"]})
    auth = {"type": "private_key_jwt", "client_id": tenant.told["client_id"]}
    connected = api.call("PUT", f"{path}/auth", {"domain": tenant.url, "auth": auth})
    expect("status", connected["status"], "Active")
    say("connected by public key URL, DPoP required")
    expect("schedules", schedules(emulator, connection), ["full", "incremental", "verify"])

    tested = api.call("POST", f"{path}/test", {})
    expect("test", tested["message"], "Integration test successful")
    say("tested")

    def over():
        sync = api.call("GET", f"{path}/syncs/{connected['sync_id']}")
        return sync if sync["status"] not in ("running", "waiting") else None

    sync = wait_for("the end of the first sync", over)
    expect(f"the first sync ({sync.get('error')})", sync["status"], "succeeded")
    executions = emulator.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    names = [it["name"] for it in executions]
    expect("the sync is an execution of the state machine", connected["sync_id"] in names, True)
    say("synced by the state machine")

    stats = tenant.door("GET", "stats")
    users, cursor = [], ""
    while True:
        page = api.call("GET", f"{path}/users?limit=200{cursor}")
        users += page["items"]
        if not page["next_cursor"]:
            break
        cursor = f"&cursor={page['next_cursor']}"
    expect("users", len(users), sum(stats["users"].values()))
    say(f"the directory has all {len(users)} users")

    api.call("PATCH", path, {"permissions": {"actions": ["user.suspend"]}})
    news = {"type": "new_events", "filter": 'eventType eq "user.lifecycle.suspend"', "schedule": "rate(1 minute)",
            "deliver": ["feed", "bus"]}
    api.call("POST", f"{path}/triggers", news, 201)
    hook = {"type": "event_hook", "event_types": ["user.session.start"], "deliver": ["feed", "bus"]}
    hook = api.call("POST", f"{path}/triggers", hook, 201)
    expect("the hook is verified", hook["verified"], True)
    expect("schedules", schedules(emulator, connection), ["full", "incremental", "poll", "verify"])
    user = next(it["id"] for it in users if it["status"] == "ACTIVE")
    suspended = api.call("POST", f"{path}/actions/user.suspend", {"user": user})
    expect("suspended", suspended["output"]["changed"], True)
    expect("status in the tenant", tenant.door("GET", f"users/{user}")["status"], "SUSPENDED")
    say("suspended a user")

    tenant.door("POST", "events", {"count": 3, "type": "user.session.start"})
    told = lambda kind: api.call("GET", f"{path}/events?type={kind}")["items"]
    wait_for("what the hook delivers", lambda: len(told("com.okta.user.session.start")) == 3)
    say("three events came by hook")
    polled = wait_for("the poll that a schedule starts", lambda: told("com.okta.user.lifecycle.suspend"))
    expect("the subject", polled[0]["subject"], user)
    say("the suspended user came by a poll that a schedule started")
    seen: list = []
    wanted = {"com.okta.user.session.start", "com.okta.user.lifecycle.suspend", "okta-connector.sync.completed"}
    wait_for("the bus", lambda: wanted <= {it["type"] for it in published(emulator, queue, seen)})
    expect("CloudEvents on the bus", {it["specversion"] for it in seen}, {"1.0"})
    say(f"the bus has them too: {len(seen)} events")

    api.call("DELETE", path, None, 204)
    wait_for("the schedules to be gone", lambda: not schedules(emulator, connection))
    purge = f"purge-{connection}"

    def purged():
        listed = emulator.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
        return [it for it in listed if it["name"] == purge and it["status"] == "SUCCEEDED"]

    wait_for("the directory to be removed", purged)
    say("deleted the connection, its schedules, secret and directory")


def left_behind(emulator: Emulator, table: str) -> None:
    expect("functions after sam delete", functions(emulator), [])
    expect("the table stays", table in emulator.client("dynamodb").list_tables()["TableNames"], True)
    groups = [group["Name"] for group in emulator.client("scheduler").list_schedule_groups()["ScheduleGroups"]]
    expect("schedule groups", [name for name in groups if name != "default"], [])


def pack(programs: Path) -> Path:
    """The template with programs of this machine, as `sam build` leaves it with programs for Lambda."""
    folder = ROOT / ".aws-sam" / "acceptance"

    def packed(found: re.Match) -> str:
        function = found.group(1)
        (folder / function).mkdir(parents=True, exist_ok=True)
        strip = ["strip", "-o", str(folder / function / "bootstrap"), str(programs / function)]
        subprocess.run(strip, check=True)
        return f"CodeUri: {function}/"

    text = re.sub(r"CodeUri: functions/([a-z-]+)/", packed, (ROOT / "template.yaml").read_text(encoding="utf-8"))
    template = folder / "template.yaml"
    template.write_text(text.replace("DefinitionS3Location: infra/", f"DefinitionS3Location: {ROOT}/infra/"), encoding="utf-8")
    return template


def template_of(arguments: argparse.Namespace) -> Path:
    if arguments.programs:
        return pack(arguments.programs.resolve())
    if not arguments.built:
        sam("build", "--config-env", "x86_64")
    return ROOT / ".aws-sam" / "build" / "template.yaml"


def run(arguments: argparse.Namespace) -> None:
    template = template_of(arguments)
    say("built")
    tenant, emulator = Tenant(), Emulator()
    try:
        say("the emulator is up")
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        role = emulator.client("iam").create_role(RoleName="Admins", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
        session = emulator.client("sts").assume_role(RoleArn=role, RoleSessionName="ada")["Credentials"]
        outputs = deploy(emulator, role, template)
        say("deployed")
        api_id = outputs["ApiUrl"].removeprefix("https://").split(".")[0]
        url = f"{emulator.url}/_aws/execute-api/{api_id}/$default"
        allow(emulator, url, tenant.url)
        machines = emulator.client("stepfunctions").list_state_machines()["stateMachines"]
        queue = watched(emulator, outputs["BusName"])
        main_job(emulator, tenant, Api(url, session), queue, machines[0]["stateMachineArn"])
        sam("delete", "--stack-name", STACK, "--no-prompts", "--region", REGION, AWS_ENDPOINT_URL=emulator.url)
        left_behind(emulator, outputs["TableName"])
        say("deleted the stack; the table stays")
    finally:
        emulator.stop()
        tenant.process.kill()
    machine = "by cargo build, for this machine" if arguments.programs else "by sam build, for Lambda's x86_64 runtime"
    print("\nran for real:", f"the functions' own programs, built {machine}", *REAL, sep="\n  - ")
    print("emulated:", *EMULATED, sep="\n  - ")


BEGAN = time.monotonic()
if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made = parser.add_mutually_exclusive_group()
    made.add_argument("--built", action="store_true", help="take what the last `sam build` made")
    made.add_argument("--programs", type=Path, metavar="FOLDER", help="take the programs in this folder")
    run(parser.parse_args())
    sys.exit(0)
