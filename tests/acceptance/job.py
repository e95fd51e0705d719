"""The steps of the main job in a deployed stack: what the run on the emulator and the run in a real account share."""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / ".ci" / "tools"
# Where `sam build` leaves what is to be deployed.
BUILT = ROOT / ".aws-sam" / "build" / "template.yaml"
BEGAN = time.monotonic()
# The keys of a role are good for an hour.
KEYS_SECONDS = 1800


class Failed(SystemExit):
    """A step did not go as it should."""


def say(text: str) -> None:
    print(f"[{time.monotonic() - BEGAN:6.1f} s] {text}", flush=True)


def expect(what: str, seen, wanted) -> None:
    if seen != wanted:
        raise Failed(f"{what}: {seen!r}, not {wanted!r}")


def wait_for(what: str, look, patience: float, interval: float = 0.5):
    """Looks again until there is something to see."""
    until = time.monotonic() + patience
    while time.monotonic() < until:
        seen = look()
        if seen:
            return seen
        time.sleep(interval)
    raise Failed(f"{what}: not seen for {patience:.0f} s")


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


def environment(aws: dict[str, str]) -> dict[str, str]:
    """The environment of programs that are started: without what this one was given of AWS and of Okta."""
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ACCEPTANCE_"))}
    path = f"{TOOLS / 'sam' / 'bin'}{os.pathsep}{keep.get('PATH', '')}"
    return keep | aws | {"PATH": path, "SAM_CLI_TELEMETRY": "0"}


def sam(its_environment: dict[str, str], *arguments: str) -> None:
    command = [str(TOOLS / "sam" / "bin" / "sam"), *arguments]
    status = subprocess.run(command, cwd=ROOT, env=its_environment, stdout=sys.stdout, check=False).returncode
    if status:
        raise Failed(f"sam {arguments[0]} ended with {status}")


class Cloud:
    """Where the stack is: an account of AWS, or the emulator."""

    stack: str
    region: str
    # How long a step may take, in seconds.
    patience: float

    def client(self, service: str):
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        raise NotImplementedError

    def wait_for(self, what: str, look):
        return wait_for(what, look, self.patience)

    def sam(self, *arguments: str) -> None:
        sam(self.environment(), *arguments)


class Api:
    """The deployed API, called by a role: requests are signed."""

    def __init__(self, url: str, region: str, new_keys) -> None:
        self.url, self.region, self.new_keys = url, region, new_keys
        self.credentials, self.since = None, 0.0

    def signed(self, method: str, path: str, body=None) -> dict[str, str]:
        if self.credentials is None or time.monotonic() - self.since > KEYS_SECONDS:
            keys = self.new_keys()
            self.credentials = Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"])
            self.since = time.monotonic()
        data = None if body is None else json.dumps(body)
        headers = {"content-type": "application/json"}
        request = AWSRequest(method=method, url=f"{self.url}{path}", data=data, headers=headers)
        SigV4Auth(self.credentials, "execute-api", self.region).add_auth(request)
        return dict(request.headers)

    def send(self, method: str, path: str, body=None) -> tuple[int, object]:
        return fetch(method, f"{self.url}{path}", body, self.signed(method, path, body))

    def call(self, method: str, path: str, body=None, wanted: int = 200):
        status, answer = self.send(method, path, body)
        expect(f"{method} {path} ({answer})", status, wanted)
        return answer


# ---- The stack and what is beside it ----


def sam_deploy(cloud: Cloud, template: Path, bucket: str, parameters: list[str], tags: dict[str, str]) -> dict[str, str]:
    """Deploys, and returns the stack's outputs."""
    # An environment that samconfig.toml does not name: nothing is asked, and the bucket is the one that is given.
    cloud.sam("deploy", "--template-file", str(template), "--config-env", "acceptance", "--stack-name", cloud.stack,
              "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-progressbar", "--s3-bucket", bucket,
              *(["--tags", *(f"{name}={value}" for name, value in tags.items())] if tags else []),
              "--parameter-overrides", *parameters)
    return outputs(cloud, cloud.stack)


def outputs(cloud: Cloud, stack: str) -> dict[str, str]:
    described = cloud.client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def admin_role(cloud: Cloud, name: str) -> tuple[str, object]:
    """A role that may call APIs: its ARN, and a function that gets temporary keys of it."""
    account = cloud.client("sts").get_caller_identity()
    partition, number = account["Arn"].split(":")[1], account["Account"]
    trusted = {"AWS": f"arn:{partition}:iam::{number}:root"}
    trust = [{"Effect": "Allow", "Principal": trusted, "Action": "sts:AssumeRole"}]
    invoke = {"Effect": "Allow", "Action": "execute-api:Invoke",
              "Resource": f"arn:{partition}:execute-api:{cloud.region}:{number}:*"}
    document = lambda statements: json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam = cloud.client("iam")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="call", PolicyDocument=document([invoke]))

    def keys():
        try:
            return cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="ada")["Credentials"]
        except ClientError:
            # IAM takes some seconds to know a new role everywhere.
            return None

    return role, lambda: wait_for("keys of the role", keys, 120)


def functions(cloud: Cloud) -> list[str]:
    pages = cloud.client("lambda").get_paginator("list_functions").paginate()
    names = [it["FunctionName"] for page in pages for it in page["Functions"]]
    return [name for name in names if name.startswith(f"{cloud.stack}-")]


def groups(cloud: Cloud) -> list[str]:
    """The stack's schedule groups."""
    listed = cloud.client("scheduler").list_schedule_groups(NamePrefix=f"{cloud.stack}-")["ScheduleGroups"]
    return [group["Name"] for group in listed]


def schedules(cloud: Cloud, connection: str) -> list[str]:
    client = cloud.client("scheduler")
    listed = [it for group in groups(cloud) for it in client.list_schedules(GroupName=group)["Schedules"]]
    return sorted(it["Name"].removeprefix(f"{connection}-") for it in listed if it["Name"].startswith(connection))


def executions(cloud: Cloud, machine: str) -> dict[str, str]:
    """The state machine's executions, and how each is."""
    listed = cloud.client("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    return {it["name"]: it["status"] for it in listed}


def watched(cloud: Cloud, bus: str, name: str) -> str:
    """A queue that gets whatever is published on the bus."""
    sqs, bridge = cloud.client("sqs"), cloud.client("events")
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": ["okta-connector"]})
    rule = bridge.put_rule(Name=name, EventBusName=bus, EventPattern=pattern, State="ENABLED")["RuleArn"]
    bridge.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])
    let = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage",
           "Resource": arn, "Condition": {"ArnEquals": {"aws:SourceArn": rule}}}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [let]})
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})
    return queue


def published(cloud: Cloud, queue: str, seen: list) -> list:
    messages = cloud.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    seen.extend(json.loads(message["Body"])["detail"] for message in messages)
    return seen


# ---- The main job ----


def refuses_unknown_callers(api: Api) -> None:
    expect("health without a caller", fetch("GET", f"{api.url}/v1/health")[0], 200)
    status, _ = fetch("GET", f"{api.url}/v1/connections")
    expect("connections without a caller are refused", status in (401, 403), True)


def tested(api: Api, path: str) -> dict:
    report = api.call("POST", f"{path}/test", {})
    say(f"tested: {report['message']}")
    return report


def synced(cloud: Cloud, api: Api, path: str, sync: str, machine: str) -> dict:
    """The end of a sync, which the state machine ran."""

    def over():
        run = api.call("GET", f"{path}/syncs/{sync}")
        return run if run["status"] not in ("running", "waiting") else None

    run = cloud.wait_for(f"the end of {sync}", over)
    expect(f"the sync ({run.get('error')})", run["status"], "succeeded")
    expect("the sync is an execution of the state machine", sync in executions(cloud, machine), True)
    say("synced by the state machine")
    return run


def users(api: Api, path: str) -> list[dict]:
    """All users of the directory, page by page."""
    found, cursor = [], ""
    while True:
        page = api.call("GET", f"{path}/users?limit=200{cursor}")
        found += page["items"]
        if not page["next_cursor"]:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def events(api: Api, path: str, kind: str) -> list[dict]:
    return api.call("GET", f"{path}/events?type={kind}")["items"]


def on_the_bus(cloud: Cloud, queue: str, wanted: set[str]) -> list[dict]:
    """What came by the bus, once all wanted types did."""
    seen: list = []
    cloud.wait_for("the bus", lambda: wanted <= {it["type"] for it in published(cloud, queue, seen)})
    expect("CloudEvents on the bus", {it["specversion"] for it in seen}, {"1.0"})
    say(f"the bus has them too: {len(seen)} events")
    return seen


def removed(cloud: Cloud, api: Api, connection: str, machine: str) -> None:
    """Deletes a connection and waits until all of it is gone."""
    api.call("DELETE", f"/v1/connections/{connection}", None, 204)
    cloud.wait_for("the schedules to be gone", lambda: not schedules(cloud, connection))
    cloud.wait_for("the directory to be removed", lambda: executions(cloud, machine).get(f"purge-{connection}") == "SUCCEEDED")
    say("deleted the connection, its schedules, secret and directory")
