"""Deploys the product with the real SAM command line and does the main job there: in an emulator of AWS, or in an account.

    tests/acceptance/run.py [--built | --programs FOLDER] [--governed]
    tests/acceptance/run.py --aws --i-will-pay --profile NAME --region REGION [--built]
    tests/acceptance/run.py --aws --clean-up STACK --profile NAME --region REGION

It needs MiniStack, boto3, the SAM command line and cargo-lambda, which `.ci/run` installs into `.ci/tools`. It runs
`sam build` first; `--built` takes what the last one made, and `--programs target/debug` the programs that
`cargo build --workspace` made for this machine. At its end it says what ran for real and what was emulated.

`--governed` gives the stack what an account with rules of its own demands: boundary, path, key, network and tags.

`--aws` is a run in an account of AWS, with a tenant of Okta: `account.py` has it.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import account
import boto3
import job
from job import ROOT, TOOLS, Api, Cloud, expect, fetch, say, schedules

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


def free_port() -> int:
    with socket.socket() as some:
        some.bind(("127.0.0.1", 0))
        return some.getsockname()[1]


class Emulator(Cloud):
    """MiniStack, which runs the functions' programs as well."""

    stack, region, patience = "acceptance", "us-east-1", PATIENCE

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        log = (TOOLS / "acceptance-ministack.log").open("w")
        settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(self.port), "IOT_MTLS_ENABLED": "0"}
        command = [str(TOOLS / "lint" / "bin" / "ministack")]
        started = self.environment() | settings
        self.process = subprocess.Popen(command, env=started, stdout=log, stderr=log, start_new_session=True)
        self.wait_for("MiniStack", self.is_up)

    def environment(self) -> dict[str, str]:
        return job.environment({"AWS_ACCESS_KEY_ID": "ci", "AWS_SECRET_ACCESS_KEY": "ci", "AWS_DEFAULT_REGION": self.region,
                                "AWS_ENDPOINT_URL": self.url})

    def is_up(self) -> bool:
        try:
            return fetch("GET", f"{self.url}/_ministack/health")[0] == 200
        except OSError:
            return False

    def client(self, service: str):
        keys = {"aws_access_key_id": "ci", "aws_secret_access_key": "ci"}
        return boto3.client(service, endpoint_url=self.url, region_name=self.region, **keys)

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


def allow(emulator: Emulator, public_url: str, tenant: str) -> None:
    client = emulator.client("lambda")
    for name in job.functions(emulator):
        variables = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        variables |= {"OKTA_CONNECTOR_PUBLIC_URL": public_url, "OKTA_CONNECTOR_ALLOW_ORIGIN": tenant}
        client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})


def main_job(emulator: Emulator, tenant: Tenant, api: Api, queue: str, machine: str, given: dict[str, str]) -> None:
    job.refuses_unknown_callers(api)
    made = api.call("POST", "/v1/connections", {"name": "Acme", "auth": {"type": "private_key_jwt"}}, 201)
    connection, path = made["id"], f"/v1/connections/{made['id']}"
    tenant.door("PATCH", "app", {"jwks_uri": made["public_key_url"]})
    auth = {"type": "private_key_jwt", "client_id": tenant.told["client_id"]}
    connected = api.call("PUT", f"{path}/auth", {"domain": tenant.url, "auth": auth})
    expect("status", connected["status"], "Active")
    say("connected by public key URL, DPoP required")
    expect("schedules", schedules(emulator, connection), ["full", "incremental", "verify"])
    if given:
        obeyed(emulator, given, connection)

    expect("test", job.tested(api, path)["message"], "Integration test successful")
    job.synced(emulator, api, path, connected["sync_id"], machine)
    stats = tenant.door("GET", "stats")
    users = job.users(api, path)
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
    delivered = lambda kind: job.events(api, path, kind)
    emulator.wait_for("what the hook delivers", lambda: len(delivered("com.okta.user.session.start")) == 3)
    say("three events came by hook")
    polled = emulator.wait_for("the poll that a schedule starts", lambda: delivered("com.okta.user.lifecycle.suspend"))
    expect("the subject", polled[0]["subject"], user)
    say("the suspended user came by a poll that a schedule started")
    wanted = {"com.okta.user.session.start", "com.okta.user.lifecycle.suspend", "okta-connector.sync.completed"}
    job.on_the_bus(emulator, queue, wanted)
    job.removed(emulator, api, connection, machine)


# What shows nothing on the emulator.
NOT_EMULATED = [
    "BusArchiveDays, DeploymentPreference, Release: not given, since its CloudFormation knows no AWS::Events::Archive and no"
    " AWS::CodeDeploy::Application",
    "PermissionsBoundaryArn, SubnetIds, SecurityGroupIds, and KmsKeyArn of functions: given, and ignored by its CloudFormation",
]
TAGS = {"cost-center": "42"}


def rules(emulator: Emulator) -> dict[str, str]:
    """What an account with rules of its own has before the stack, as parameters of the stack."""
    ec2 = emulator.client("ec2")
    network = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=network, CidrBlock=f"10.0.{it}.0/24")["Subnet"]["SubnetId"] for it in range(2)]
    group = ec2.create_security_group(GroupName="functions", Description="functions", VpcId=network)["GroupId"]
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    boundary = emulator.client("iam").create_policy(PolicyName="boundary", PolicyDocument=json.dumps(allow))["Policy"]["Arn"]
    key = emulator.client("kms").create_key()["KeyMetadata"]["Arn"]
    return {"PermissionsBoundaryArn": boundary, "RolePath": "/teams/identity/", "KmsKeyArn": key,
            "SubnetIds": ",".join(subnets), "SecurityGroupIds": group}


def obeyed(emulator: Emulator, given: dict[str, str], connection: str) -> None:
    """What the emulator keeps of an account's rules: the roles' paths, and keys and tags of what the functions made."""
    functions = emulator.client("lambda")
    for name in job.functions(emulator):
        role = functions.get_function_configuration(FunctionName=name)["Role"]
        expect(f"path of the role of {name}", given["RolePath"] in role, True)
    secret = emulator.client("secretsmanager").describe_secret(SecretId=f"{emulator.stack}/{connection}")
    expect("key of a secret", secret["KmsKeyId"], given["KmsKeyArn"])
    tags = {tag["Key"]: tag["Value"] for tag in secret["Tags"]}
    expect("tags of a secret", tags, TAGS | {"okta-connector:stack": emulator.stack})
    schedules, group = emulator.client("scheduler"), job.groups(emulator)[0]
    schedule = schedules.get_schedule(GroupName=group, Name=f"{connection}-full")
    expect("key of a schedule", schedule["KmsKeyArn"], given["KmsKeyArn"])
    expect("path of the role of a schedule", given["RolePath"] in schedule["Target"]["RoleArn"], True)
    say("the roles have the path; secret and schedules have the key, and the secret has the stack's tags")


def left_behind(emulator: Emulator, table: str) -> None:
    expect("functions after sam delete", job.functions(emulator), [])
    expect("the table stays", table in emulator.client("dynamodb").list_tables()["TableNames"], True)
    expect("schedule groups", job.groups(emulator), [])


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


def run(arguments: argparse.Namespace) -> None:
    if arguments.programs:
        template = pack(arguments.programs.resolve())
    else:
        if not arguments.built:
            job.sam(job.environment({}), "build", "--config-env", "x86_64")
        template = job.BUILT
    say("built")
    tenant, emulator = Tenant(), Emulator()
    try:
        say("the emulator is up")
        role, new_keys = job.admin_role(emulator, "Admins")
        emulator.client("s3").create_bucket(Bucket="programs")
        parameters = ["Architecture=x86_64", f"AdminRoleArns={role}"]
        given = rules(emulator) if arguments.governed else {}
        parameters += [f"{name}={value}" for name, value in given.items()]
        outputs = job.sam_deploy(emulator, template, "programs", parameters, TAGS if given else {})
        say("deployed")
        api_id = outputs["ApiUrl"].removeprefix("https://").split(".")[0]
        url = f"{emulator.url}/_aws/execute-api/{api_id}/$default"
        allow(emulator, url, tenant.url)
        queue = job.watched(emulator, outputs["BusName"], "published")
        main_job(emulator, tenant, Api(url, emulator.region, new_keys), queue, outputs["StateMachineArn"], given)
        emulator.sam("delete", "--stack-name", emulator.stack, "--no-prompts", "--region", emulator.region)
        left_behind(emulator, outputs["TableName"])
        say("deleted the stack; the table stays")
    finally:
        emulator.stop()
        tenant.process.kill()
    machine = "by cargo build, for this machine" if arguments.programs else "by sam build, for Lambda's x86_64 runtime"
    print("\nran for real:", f"the functions' own programs, built {machine}", *REAL, sep="\n  - ")
    print("emulated:", *EMULATED, sep="\n  - ")
    if arguments.governed:
        print("of an account's rules, not shown:", *NOT_EMULATED, sep="\n  - ")


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    made = parser.add_mutually_exclusive_group()
    made.add_argument("--built", action="store_true", help="take what the last `sam build` made")
    made.add_argument("--programs", type=Path, metavar="FOLDER", help="take the programs in this folder")
    parser.add_argument("--governed", action="store_true", help="with a boundary, a path, a key, a network and tags")
    real = parser.add_argument_group("a run in an account of AWS, which costs money")
    real.add_argument("--aws", action="store_true", help="deploy into the account of --profile")
    real.add_argument("--i-will-pay", action="store_true", help="without it, --aws only says what it makes and what that costs")
    real.add_argument("--profile", help="a profile of the AWS configuration")
    real.add_argument("--region", help="the region to deploy into")
    real.add_argument("--clean-up", metavar="STACK", help="delete what a run left that was killed")
    arguments = parser.parse_args()
    if arguments.aws and arguments.governed:
        parser.error("--governed is for the emulator")
    if arguments.aws and arguments.programs:
        parser.error("--programs is for the emulator: Lambda needs what `sam build` makes")
    if not arguments.aws and (arguments.i_will_pay or arguments.profile or arguments.region or arguments.clean_up):
        parser.error("--i-will-pay, --profile, --region and --clean-up belong to --aws")
    return arguments


if __name__ == "__main__":
    given = parsed()
    sys.exit(account.run(given) if given.aws else run(given))
