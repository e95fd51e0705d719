"""The main job in an account of AWS, with a tenant of Okta's, and the facts that only such a run can find.

This has not run against a real account yet. The names of all that it makes begin with the stack's, so `clean_up` finds it by
that name, however a run ended.
"""

import argparse
import json
import os
import re
import secrets
import signal
import statistics
import subprocess
import sys
import time
import uuid
from pathlib import Path
from urllib.parse import quote

import boto3
import job
from botocore.exceptions import BotoCoreError, ClientError
from job import Api, Cloud, Failed, expect, fetch, say

COST = """\
--aws makes, in the account of --profile:
  - the stack of template.yaml under a name of its own, okta-acceptance-…: functions, an HTTP API, a table, a state machine,
    a bus, schedules, queues, roles, alarms, a secret and log groups
  - beside it a role that may call the API, a bucket for the programs, a queue and a rule on the bus, and a second stack,
    okta-acceptance-…-echo, whose one function shows what API Gateway hands over
  - one connection to the tenant of Okta that you name. Its API token lies in Secrets Manager meanwhile. It only reads.

It takes 30 to 60 minutes and deletes all of it at its end, also after Ctrl-C.
It costs about 0.10 USD for a tenant of 1,000 users, 0.60 USD for 10,000 and 5 USD for 100,000, most of it for the table's
writes. These are estimates: this has not run against a real account yet.

Add --i-will-pay to do it.
"""
NEEDED = {
    "ACCEPTANCE_OKTA_DOMAIN": "the tenant, as acme.okta.com",
    "ACCEPTANCE_OKTA_API_TOKEN": "an API token of it; that of a read-only administrator suffices",
}
STACK_NAME = r"okta-acceptance-[0-9a-f]{8}"
ECHO = Path(__file__).with_name("echo.yaml")

# How long is waited, in seconds: for most things; for a first sync; for what a schedule starts; for what may never come.
PATIENCE, SYNCED, SCHEDULED, MAYBE = 600, 3600, 900, 300

# One segment of a path, as it is sent.
SEGMENTS = {
    "slash": "a%2Fb",
    "dots and a slash": "..%2Fkeys",
    "question mark": "a%3Fb",
    "hash": "a%23b",
    "plus": "a+b",
    "escaped plus": "a%2Bb",
    "blank": "a%20b",
    "percent": "a%25b",
    "at": "ana%40example.com",
    "letters": "%C5%82%C3%B3d%C5%BA",
}


class Account(Cloud):
    """An account, by a profile."""

    patience = PATIENCE

    def __init__(self, profile: str, region: str, stack: str) -> None:
        self.profile, self.region, self.stack = profile, region, stack
        self.aws = boto3.Session(profile_name=profile, region_name=region)
        # What went wrong while something was waited for, and passed.
        self.hiccups: list[str] = []

    def client(self, service: str):
        return self.aws.client(service)

    def environment(self) -> dict[str, str]:
        kept = ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL"]
        aws = {name: os.environ[name] for name in kept if name in os.environ}
        return job.environment(aws | {"AWS_PROFILE": self.profile, "AWS_REGION": self.region, "AWS_DEFAULT_REGION": self.region})

    def wait_for(self, what: str, look, patience: float | None = None):
        def forgiving():
            try:
                return look()
            except Failed as error:
                self.hiccups.append(str(error)[:300])
                return None

        return job.wait_for(what, forgiving, patience or self.patience, interval=5)

    def number(self) -> str:
        return self.client("sts").get_caller_identity()["Account"]

    @property
    def bucket(self) -> str:
        return f"{self.stack}-{self.number()}"

    @property
    def role(self) -> str:
        return f"{self.stack}-caller"

    @property
    def queue(self) -> str:
        return f"{self.stack}-published"

    @property
    def echo(self) -> str:
        return f"{self.stack}-echo"


class Run:
    """Steps that were done, and facts that they found."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.steps: dict[str, dict] = {}
        self.facts: dict[str, object] = {}

    def step(self, name: str, work, *needs: str):
        """Does a step. One that fails is a fact, and those that need it are left out."""
        missing = [it for it in needs if not self.steps[it]["ok"]]
        if missing:
            self.steps[name] = {"ok": False, "left_out_without": missing}
            return None
        say(f"{name} …")
        began = time.monotonic()
        try:
            found = work()
            fault = None
        # Whatever an account answers that we did not expect is what this looks for.
        except (Exception, Failed) as error:
            found = None
            fault = f"{type(error).__name__}: {error}"[:1000]
            say(f"{name} FAILED: {fault}")
        self.steps[name] = {"ok": fault is None, "seconds": round(time.monotonic() - began, 1)}
        if fault:
            self.steps[name]["error"] = fault
        return found


# ---- What is asked of the account ----


def log_lines(account: Account, group: str, pattern: str) -> list[str]:
    pages = account.client("logs").get_paginator("filter_log_events")
    found = pages.paginate(logGroupName=group, filterPattern=pattern)
    return [event["message"] for page in found for event in page["events"]]


def report(line: str) -> dict | None:
    """What Lambda's own line about an invocation says, in either format."""
    # https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report
    try:
        fields = json.loads(line)
    except ValueError:
        found = re.findall(r"\t(Init Duration|Duration|Max Memory Used): ([0-9.]+) (?:ms|MB)", line)
        fields = {name: float(number) for name, number in found} if line.startswith("REPORT ") else {}
        init, took, memory = (fields.get(name) for name in ("Init Duration", "Duration", "Max Memory Used"))
        return {"init_ms": init, "ms": took, "max_memory_mb": memory} if fields else None
    if not isinstance(fields, dict) or fields.get("type") != "platform.report":
        return None
    metrics = fields["record"]["metrics"]
    return {"init_ms": metrics.get("initDurationMs"), "ms": metrics.get("durationMs"), "max_memory_mb": metrics.get("maxMemoryUsedMB")}


def invocations(account: Account) -> dict[str, dict]:
    """Of each function: how often it ran, its cold starts and its memory."""
    functions = {}
    for name in ["action", "connect", "directory", "log-poll", "public", "sync", "test"]:
        # The JSON format's line has the type, the other the word.
        lines = log_lines(account, f"/aws/lambda/{account.stack}/{name}", '?"platform.report" ?"REPORT RequestId"')
        reports = [it for it in map(report, lines) if it]
        cold = sorted(it["init_ms"] for it in reports if it["init_ms"] is not None)
        functions[name] = {
            "invocations": len(reports),
            "cold_starts_ms": cold,
            "longest_ms": max((it["ms"] for it in reports), default=None),
            "max_memory_mb": max((it["max_memory_mb"] for it in reports), default=None),
        }
    return functions


def complaints(account: Account) -> dict[str, dict[str, int]]:
    """Of each function: what it logged as an error or a warning, and how often."""
    counts: dict[str, dict[str, int]] = {}
    for name in ["action", "connect", "directory", "log-poll", "public", "sync", "test"]:
        lines = log_lines(account, f"/aws/lambda/{account.stack}/{name}", '{ $.level = "ERROR" || $.level = "WARN" }')
        for line in (json.loads(line) for line in lines if line.startswith("{")):
            if line.get("level") in ("ERROR", "WARN"):
                message = str(line.get("message"))[:300]
                counts.setdefault(name, {})
                counts[name][message] = counts[name].get(message, 0) + 1
    return counts


def alarms(account: Account) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    pages = account.client("cloudwatch").get_paginator("describe_alarms").paginate(AlarmNamePrefix=f"{account.stack}-")
    for alarm in (it for page in pages for it in page["MetricAlarms"]):
        names.setdefault(alarm["StateValue"], []).append(alarm["AlarmName"].split("-")[-2])
    return {state: sorted(of_state) for state, of_state in names.items()}


def answered(ask) -> dict:
    """How AWS answers a call that it is to refuse."""
    try:
        ask()
    except ClientError as error:
        response = error.response
        refusal = {"code": response["Error"]["Code"], "message": response["Error"].get("Message"),
                   "status": response["ResponseMetadata"]["HTTPStatusCode"]}
        reasons = [it.get("Code") for it in response.get("CancellationReasons", [])]
        return refusal | ({"reasons": reasons} if reasons else {})
    return {"code": None}


def refusals(account: Account, outputs: dict[str, str], finished: str) -> dict[str, dict]:
    """The errors that the product distinguishes, from the services themselves. Nothing of it stays."""
    of = account.client
    connect = next(name for name in job.functions(account) if "-ConnectFunction-" in name)
    plan = of("lambda").get_function_configuration(FunctionName=connect)["Environment"]["Variables"]
    group, table = plan["OKTA_CONNECTOR_SCHEDULE_GROUP"], outputs["TableName"]
    target = {"Arn": plan["OKTA_CONNECTOR_SCHEDULE_DEAD_LETTERS"], "RoleArn": plan["OKTA_CONNECTOR_SCHEDULE_ROLE"], "Input": "{}"}
    absent = {"pk": {"S": "acceptance"}, "sk": {"S": "absent"}}
    scheduler, secret = of("scheduler"), of("secretsmanager")

    def schedule(name: str, expression: str):
        return lambda: scheduler.create_schedule(
            Name=name, GroupName=group, ScheduleExpression=expression, State="DISABLED",
            FlexibleTimeWindow={"Mode": "OFF"}, Target=target)

    def condition(action):
        return {"TableName": table, "ConditionExpression": "attribute_exists(pk)", **action}

    large = {"Source": "acceptance", "DetailType": "acceptance", "Detail": json.dumps({"a": "a" * 300_000}),
             "EventBusName": outputs["BusName"]}
    asked = {
        "start an execution under the name of a finished one":
            lambda: of("stepfunctions").start_execution(stateMachineArn=outputs["StateMachineArn"], name=finished, input="{}"),
        "read a secret that is not there": lambda: secret.get_secret_value(SecretId=f"{account.stack}/conn_absent"),
        "read a version that is not there":
            lambda: secret.get_secret_value(SecretId=f"{account.stack}/stack-key", VersionId=str(uuid.uuid4())),
        "make a secret that is there": lambda: secret.create_secret(Name=f"{account.stack}/stack-key", SecretString="x"),
        "make a schedule of rate(1 minutes)": schedule("conn_acceptance-a", "rate(1 minutes)"),
        "make a schedule of rate(1 minute)": schedule("conn_acceptance-b", "rate(1 minute)"),
        "make a schedule that is there": schedule("conn_acceptance-b", "rate(1 minute)"),
        "delete a schedule that is not there": lambda: scheduler.delete_schedule(Name="conn_acceptance-c", GroupName=group),
        "write an item against its condition":
            lambda: of("dynamodb").put_item(Item=absent, **condition({})),
        "write a transaction against a condition":
            lambda: of("dynamodb").transact_write_items(TransactItems=[{"ConditionCheck": condition({"Key": absent})}]),
        "publish an event of 300,000 bytes": lambda: of("events").put_events(Entries=[large]),
    }
    found = {name: answered(ask) for name, ask in asked.items()}
    for name in ["conn_acceptance-a", "conn_acceptance-b"]:
        answered(lambda name=name: scheduler.delete_schedule(Name=name, GroupName=group))
    return found


def paths(account: Account, echo: Api) -> dict[str, dict]:
    """What API Gateway makes of a path's segment."""
    answers = {}
    for name, segment in SEGMENTS.items():
        status, answer = echo.send("GET", f"/v1/connections/conn_x/people/{segment}?q=a%2Bb%23c%20d")
        seen = answer if isinstance(answer, dict) else {}
        answers[name] = {"sent": segment, "status": status, "rawPath": seen.get("rawPath"), "httpPath": seen.get("httpPath"),
                      "proxy": (seen.get("pathParameters") or {}).get("proxy"), "rawQueryString": seen.get("rawQueryString")}
    return answers


def people(api: Api, path: str, users: list[dict]) -> dict:
    """Whether a person is found by a login, and by one with something behind it, which must find no person."""
    login = next((it["profile"]["login"] for it in users if it["status"] == "ACTIVE" and it["profile"].get("login")), None)
    if login is None:
        return {"left_out": "no active user has a login"}
    asked = {"the login": "", "hash": "%23b", "question mark": "%3Fb", "slash": "%2Fb", "escaped plus": "%2Bb", "plus": "+b"}
    return {name: api.send("GET", f"{path}/people/{quote(login, safe='')}{behind}")[0] for name, behind in asked.items()}


def identity(account: Account, api: Api) -> dict:
    """Who a caller is to the functions, and what the API's log says of them and of those whom API Gateway refuses."""
    me = api.call("GET", "/v1/me")
    expect("the role is an admin", me["admin"], True)
    unsigned = fetch("GET", f"{api.url}/v1/me")
    headers = api.signed("GET", "/v1/me")
    headers["Authorization"] = headers["Authorization"][:-8] + "00000000"
    forged = fetch("GET", f"{api.url}/v1/me", None, headers)
    group, pattern = f"/aws/vendedlogs/{account.stack}/api", '{ $.route = "GET /v1/me" }'
    logged = lambda: [line for line in [log_lines(account, group, pattern)] if len(line) >= 3]
    try:
        lines = [json.loads(line) for line in account.wait_for("the API's log", logged, MAYBE)[0]]
    except Failed as error:
        lines = [str(error)]
    return {"me": me, "unsigned": unsigned, "forged": forged, "access_log": lines}


def latency(api: Api) -> dict[str, float]:
    took = []
    for _ in range(20):
        began = time.monotonic()
        api.call("GET", "/v1/me")
        took.append((time.monotonic() - began) * 1000)
    return {"median_ms": round(statistics.median(took)), "longest_ms": round(max(took))}


# ---- The run ----


def bucket(account: Account) -> str:
    # us-east-1 is the one region that may not be named here.
    elsewhere = {"CreateBucketConfiguration": {"LocationConstraint": account.region}} if account.region != "us-east-1" else {}
    account.client("s3").create_bucket(Bucket=account.bucket, **elsewhere)
    return account.bucket


def deploy(account: Account, role: str) -> dict[str, str]:
    parameters = ["Architecture=arm64", f"AdminRoleArns={role}", "TableDeletionProtection=false", "LogRetentionDays=1"]
    return job.sam_deploy(account, job.BUILT, account.bucket, parameters, {})


def deploy_echo(account: Account) -> str:
    client = account.client("cloudformation")
    client.create_stack(StackName=account.echo, TemplateBody=ECHO.read_text(encoding="utf-8"), Capabilities=["CAPABILITY_IAM"])
    client.get_waiter("stack_create_complete").wait(StackName=account.echo)
    return job.outputs(account, account.echo)["Url"]


def reached(account: Account, url: str, new_keys) -> Api:
    """The API, once its new name is known everywhere."""

    def healthy():
        try:
            return fetch("GET", f"{url}/v1/health")[0] == 200
        except OSError:
            return False

    account.wait_for("the API", healthy, MAYBE)
    return Api(url, account.region, new_keys)


def connect(api: Api, domain: str, token: str) -> dict:
    """A connection that may read, and nothing else, so that nothing of the run can change the tenant."""
    body = {"name": "Acceptance", "domain": domain, "auth": {"type": "api_token", "token": token},
            "permissions": {"actions": ["read"]}}
    made = api.call("POST", "/v1/connections", body, 201)
    expect("status", made["status"], "Active")
    return made


def scheduled_sync(run: Run, api: Api, path: str) -> dict:
    """A sync that a schedule starts, and after how long."""
    known = {it["id"] for it in api.call("GET", f"{path}/syncs")["items"]}
    api.call("PATCH", path, {"sync": {"full": None, "incremental": "rate(2 minutes)", "verify": None}})
    began = time.monotonic()
    later = lambda: [it for it in api.call("GET", f"{path}/syncs")["items"] if it["id"] not in known]
    sync = run.account.wait_for("a sync that a schedule starts", later, SCHEDULED)[-1]
    return {"started_after_s": round(time.monotonic() - began), "mode": sync["mode"], "status": sync["status"]}


def polled(run: Run, api: Api, path: str) -> dict:
    """A poll that a schedule starts, and the events that it finds where there are any."""
    news = {"type": "new_events", "schedule": "rate(1 minute)", "deliver": ["feed", "bus"]}
    trigger = f"{path}/triggers/{api.call('POST', f'{path}/triggers', news, 201)['id']}"
    # Making a trigger reads the log for the first time.
    before, began = api.call("GET", trigger)["last_run_at"], time.monotonic()
    again = lambda: api.call("GET", trigger)["last_run_at"] != before
    run.account.wait_for("a poll that a schedule starts", again, SCHEDULED)
    after = round(time.monotonic() - began)
    say(f"the log was polled. For an event, sign in to the tenant within {MAYBE} seconds")
    okta = lambda: [it for it in api.call("GET", f"{path}/events?limit=200")["items"] if it["type"].startswith("com.okta.")]
    try:
        found = len(run.account.wait_for("an event of Okta's", okta, MAYBE))
    except Failed:
        found = 0
    shown = api.call("GET", trigger)
    return {"polled_after_s": after, "events": found, "lag_seconds": shown["lag_seconds"], "status": shown["status"]}


def rehearsed(api: Api, path: str, users: list[dict]) -> dict:
    """An action in a dry run: of one that reads, so that nothing happens if the query is lost on its way."""
    answer = api.call("POST", f"{path}/actions/user.get?dry_run=true", {"user": users[0]["id"]})
    expect("a dry run tells its requests", "requests" in answer and "output" not in answer, True)
    status, denied = api.send("POST", f"{path}/actions/user.suspend?dry_run=true", {"user": users[0]["id"]})
    return {"methods": [it["method"] for it in answer["requests"]], "what_is_not_permitted": [status, denied.get("type")]}


def work(run: Run, built: bool, domain: str, token: str) -> None:
    account, facts = run.account, run.facts
    facts["quota_of_concurrent_executions"] = run.step(
        "quota", lambda: account.client("lambda").get_account_settings()["AccountLimit"]["ConcurrentExecutions"])
    if not built:
        run.step("build", lambda: account.sam("build", "--config-env", "default"))
    run.step("bucket", lambda: bucket(account))
    role = run.step("role", lambda: job.admin_role(account, account.role))
    needs = ["bucket", "role"] if built else ["build", "bucket", "role"]
    outputs = run.step("deploy", lambda: deploy(account, role[0]), *needs)
    echo = run.step("deploy the echo", lambda: deploy_echo(account), "role")
    shown = run.step("echo", lambda: Api(echo, account.region, role[1]), "deploy the echo")
    facts["paths"] = run.step("paths", lambda: paths(account, shown), "echo")
    facts["authorizer"] = run.step(
        "authorizer", lambda: shown.call("GET", "/v1/connections/conn_x/people")["authorizer"], "echo")

    api = run.step("api", lambda: reached(account, outputs["ApiUrl"], role[1]), "deploy")
    run.step("unknown callers", lambda: job.refuses_unknown_callers(api), "api")
    facts["identity"] = run.step("identity", lambda: identity(account, api), "api")
    queue = run.step("bus", lambda: job.watched(account, outputs["BusName"], account.queue), "deploy")
    made = run.step("connect", lambda: connect(api, domain, token), "api")
    path = made and f"/v1/connections/{made['id']}"
    machine = outputs and outputs["StateMachineArn"]

    def tested():
        report = job.tested(api, path)
        return {"message": report["message"], "checks": {it["capability"]: it["status"] for it in report["checks"]}}

    def synced():
        account.patience = SYNCED
        try:
            sync = job.synced(account, api, path, made["sync_id"], machine)
        finally:
            account.patience = PATIENCE
        return {name: sync[name] for name in ("requests", "tokens", "partial", "waited_seconds", "started_at", "finished_at")}

    facts["test"] = run.step("test", tested, "connect")
    facts["first_sync"] = run.step("sync", synced, "connect")
    users = run.step("directory", lambda: job.users(api, path), "sync")
    facts["users"] = users and len(users)
    facts["person_by_login"] = run.step("people", lambda: people(api, path, users), "directory")
    facts["dry_run"] = run.step("dry run", lambda: rehearsed(api, path, users), "directory")
    facts["schedules"] = run.step("schedules", lambda: job.schedules(account, made["id"]), "connect")
    facts["scheduled_sync"] = run.step("scheduled sync", lambda: scheduled_sync(run, api, path), "sync")
    facts["scheduled_poll"] = run.step("scheduled poll", lambda: polled(run, api, path), "connect")
    ended = {"okta-connector.sync.completed"}
    facts["events_on_the_bus"] = run.step("events on the bus", lambda: len(job.on_the_bus(account, queue, ended)), "bus", "sync")
    facts["latency"] = run.step("latency", lambda: latency(api), "api")
    facts["errors_of_aws"] = run.step("errors of AWS", lambda: refusals(account, outputs, made["sync_id"]), "sync")
    run.step("remove the connection", lambda: job.removed(account, api, made["id"], machine), "connect")

    # The logs go with the stack.
    facts["invocations"] = run.step("cold starts", lambda: invocations(account), "deploy")
    facts["logged_errors"] = run.step("logged errors", lambda: complaints(account), "deploy")
    facts["alarms"] = run.step("alarms", lambda: alarms(account), "deploy")
    # The bus still has a rule, which CloudFormation may or may not mind.
    delete = ["delete", "--no-prompts", "--region", account.region, "--stack-name", account.stack]
    run.step("sam delete, with a rule on the bus", lambda: account.sam(*delete), "deploy")


# ---- Deleting all of it ----


def gone(ask, *codes: str):
    """Asks for something to be deleted; what is not there is deleted already."""
    try:
        return ask()
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise
        return None


def stack_of(account: Account, name: str) -> dict | None:
    described = gone(lambda: account.client("cloudformation").describe_stacks(StackName=name), "ValidationError")
    return described and next((it for it in described["Stacks"] if it["StackStatus"] != "DELETE_COMPLETE"), None)


def delete_stack(account: Account, name: str) -> None:
    if stack_of(account, name):
        client = account.client("cloudformation")
        client.delete_stack(StackName=name)
        client.get_waiter("stack_delete_complete").wait(StackName=name)


def stop_executions(account: Account) -> None:
    """A state machine is deleted only once its executions have ended."""
    if not stack_of(account, account.stack):
        return
    machine, client = job.outputs(account, account.stack).get("StateMachineArn"), account.client("stepfunctions")
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine, statusFilter="RUNNING") if machine else []
    for execution in (it for page in pages for it in page["executions"]):
        client.stop_execution(executionArn=execution["executionArn"])


def delete_rule(account: Account) -> None:
    client, bus = account.client("events"), {"EventBusName": account.stack}
    gone(lambda: client.remove_targets(Rule=account.queue, Ids=["queue"], **bus), "ResourceNotFoundException")
    gone(lambda: client.delete_rule(Name=account.queue, **bus), "ResourceNotFoundException")


def delete_queue(account: Account) -> None:
    absent = ["AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"]
    found = gone(lambda: account.client("sqs").get_queue_url(QueueName=account.queue), *absent)
    if found:
        gone(lambda: account.client("sqs").delete_queue(QueueUrl=found["QueueUrl"]), *absent)


def tables(account: Account) -> list[str]:
    pages = account.client("dynamodb").get_paginator("list_tables").paginate()
    return [name for page in pages for name in page["TableNames"] if name.startswith(f"{account.stack}-")]


def delete_tables(account: Account) -> None:
    client = account.client("dynamodb")
    for name in tables(account):
        client.get_waiter("table_exists").wait(TableName=name)
        client.update_table(TableName=name, DeletionProtectionEnabled=False)
        client.get_waiter("table_exists").wait(TableName=name)
        client.delete_table(TableName=name)
        client.get_waiter("table_not_exists").wait(TableName=name)


def secrets_of(account: Account) -> list[str]:
    found = account.client("secretsmanager").get_paginator("list_secrets").paginate(
        Filters=[{"Key": "name", "Values": [f"{account.stack}/"]}])
    return [it["ARN"] for page in found for it in page["SecretList"] if it["Name"].startswith(f"{account.stack}/")]


def delete_secrets(account: Account) -> None:
    for arn in secrets_of(account):
        account.client("secretsmanager").delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)


def log_groups(account: Account) -> list[str]:
    # The name is followed by a slash, by the echo's end, or by nothing.
    begins = [f"/aws/lambda/{account.stack}", f"/aws/vendedlogs/{account.stack}", f"/aws/vendedlogs/states/{account.stack}"]
    pages = account.client("logs").get_paginator("describe_log_groups")
    return [it["logGroupName"] for begin in begins for page in pages.paginate(logGroupNamePrefix=begin) for it in page["logGroups"]]


def delete_log_groups(account: Account) -> None:
    for name in log_groups(account):
        account.client("logs").delete_log_group(logGroupName=name)


def delete_bucket(account: Account) -> None:
    client, name = account.client("s3"), {"Bucket": account.bucket}
    if gone(lambda: client.head_bucket(**name), "404", "NoSuchBucket"):
        for page in client.get_paginator("list_objects_v2").paginate(**name):
            for it in page.get("Contents", []):
                client.delete_object(Key=it["Key"], **name)
        client.delete_bucket(**name)


def delete_role(account: Account) -> None:
    client = account.client("iam")
    gone(lambda: client.delete_role_policy(RoleName=account.role, PolicyName="call"), "NoSuchEntity")
    gone(lambda: client.delete_role(RoleName=account.role), "NoSuchEntity")


def left(account: Account) -> list[str]:
    """What is still there."""
    found = [f"stack {name}" for name in (account.stack, account.echo) if stack_of(account, name)]
    found += [f"function {name}" for name in job.functions(account)]
    found += [f"schedule group {name}" for name in job.groups(account)]
    found += [f"table {name}" for name in tables(account)]
    found += [f"secret {arn}" for arn in secrets_of(account)]
    found += [f"log group {name}" for name in log_groups(account)]
    if gone(lambda: account.client("s3").head_bucket(Bucket=account.bucket), "404", "NoSuchBucket"):
        found.append(f"bucket {account.bucket}")
    if gone(lambda: account.client("iam").get_role(RoleName=account.role), "NoSuchEntity"):
        found.append(f"role {account.role}")
    return found


def clean_up(run: Run) -> list[str]:
    """Deletes whatever is there, whatever of it was made, and returns what is left."""
    account = run.account
    say(f"deleting what {account.stack} made")
    deletions = {
        "stop executions": stop_executions,
        "delete the echo": lambda it: delete_stack(it, it.echo),
        "delete the rule": delete_rule,
        "delete the stack": lambda it: delete_stack(it, it.stack),
        "delete the queue": delete_queue,
        "delete the table": delete_tables,
        "delete secrets": delete_secrets,
        "delete logs": delete_log_groups,
        "delete the bucket": delete_bucket,
        "delete the role": delete_role,
    }
    for name, delete in deletions.items():
        run.step(name, lambda delete=delete: delete(account))
    found = run.step("look what is left", lambda: left(account))
    return ["unknown"] if found is None else found


# ---- Beginning and end ----


def revision() -> str:
    asked = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=job.ROOT, capture_output=True, text=True, check=False)
    return asked.stdout.strip()


def masked(text: str, hidden: dict[str, str]) -> str:
    """Without what names the account, the tenant or a person."""
    for value, name in hidden.items():
        text = text.replace(value, name) if value else text
    text = re.sub(r"\b(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{8,}", "KEY", text)
    text = re.sub(r"\bo-[a-z0-9]{10,32}\b", "ORGANIZATION", text)
    text = re.sub(r'"ip": "[^"]*"', '"ip": "ADDRESS"', text)
    return re.sub(r"[A-Za-z0-9._%+-]+@(?!example\.com)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+", "LOGIN", text)


def interrupt(*_) -> None:
    raise KeyboardInterrupt


def please_wait(*_) -> None:
    say("still deleting what was made: please wait")


SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def refuse(text: str) -> int:
    print(text, file=sys.stderr)
    return 2


def run(arguments: argparse.Namespace) -> int:
    if not arguments.clean_up and not arguments.i_will_pay:
        return refuse(COST)
    if arguments.clean_up and not re.fullmatch(STACK_NAME, arguments.clean_up):
        return refuse("--clean-up takes the name of a run's stack, okta-acceptance-…, and deletes nothing else.")
    wanted = [f"{name}: {what}" for name, what in NEEDED.items() if not arguments.clean_up and not os.environ.get(name)]
    wanted += [f"--{name}" for name in ("profile", "region") if not getattr(arguments, name)]
    if wanted:
        return refuse("\n  ".join(["Missing:", *wanted]))
    domain, token = (os.environ.get(name, "") for name in NEEDED)
    stack = arguments.clean_up or f"okta-acceptance-{secrets.token_hex(4)}"
    try:
        account = Account(arguments.profile, arguments.region, stack)
        caller = account.client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        return refuse(f"The account of --profile cannot be asked: {error}")
    if caller["Arn"].endswith(":root"):
        return refuse("The root user of an account can assume no role: take the profile of an administrator.")
    # The one document is all that standard output gets.
    output, sys.stdout = sys.stdout, sys.stderr
    done, interrupted = Run(account), False
    for each in SIGNALS:
        signal.signal(each, interrupt)
    say(f"{stack} in {account.region}. If this is killed: tests/acceptance/run.py --aws --clean-up {stack}"
        f" --profile {account.profile} --region {account.region}")
    try:
        if not arguments.clean_up:
            work(done, arguments.built, domain, token)
    except KeyboardInterrupt:
        interrupted = True
        say("interrupted")
    finally:
        for each in SIGNALS:
            signal.signal(each, please_wait)
        remains = clean_up(done)
    about = {"revision": revision(), "region": account.region, "stack": stack, "endpoint": os.environ.get("AWS_ENDPOINT_URL"),
             "interrupted": interrupted}
    document = {"about": about, "steps": done.steps, "facts": done.facts, "hiccups": account.hiccups[:50], "left": remains}
    hidden = {token: "TOKEN", domain: "TENANT", caller["Account"]: "ACCOUNT"}
    print(masked(json.dumps(document, indent=2, ensure_ascii=False, default=str), hidden), file=output)
    good = not interrupted and not remains and all(step["ok"] for step in done.steps.values())
    return 0 if good else 1
