"""Hold the expanded template against what the code reads, asks of AWS, and promises.

    judge.py expanded.json [operations.tsv]

The second file is what the tests write down: function, action, index and the first letters of the partition's key, one
operation a line.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
RESOURCES = TEMPLATE["Resources"]
FUNCTIONS = ["action", "connect", "directory", "log-poll", "public", "sync", "test"]

# ---- What is allowed although it looks wrong, each with its reason ----

WILDCARDS = {
    ("ConnectRole", "ListSchedules"): "can be granted for all schedules of an account alone",
    ("TestRole", "ListSchedules"): "can be granted for all schedules of an account alone",
    ("SyncStateMachineRole", "LogDelivery"): "the delivery of logs knows no resources",
}

# Read by the code and set by nobody on AWS.
EMULATOR_ONLY = {"OKTA_CONNECTOR_ALLOW_ORIGIN": "a simulated tenant, beside an emulator of AWS"}

# In a policy and never seen as an operation of that function, or of any.
BEYOND = {
    ("log-poll", "dynamodb:DeleteItem"): "moves what a delivery or a sync that died has left in the inbox",
    ("test", "scheduler:DeleteSchedule"): "where an attempt before left schedules that are not wanted any more",
    ("test", "scheduler:UpdateSchedule"): "where an attempt before left schedules that are to be others",
    "logs:CreateLogStream": "Lambda writes the log under the function's role",
    "logs:PutLogEvents": "Lambda writes the log under the function's role",
    "sqs:SendMessage": "Lambda sends failed events there under the function's role",
    "iam:PassRole": "comes with scheduler:CreateSchedule and UpdateSchedule",
    "secretsmanager:TagResource": "comes with secretsmanager:CreateSecret",
}

NO_SECRETS = ["directory", "public"]

faults = []


def fault(text):
    faults.append(text)


def as_list(value):
    return value if isinstance(value, list) else [value]


def logical(function):
    return "".join(part.capitalize() for part in function.split("-"))


def statements(role):
    for policy in RESOURCES[role]["Properties"].get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def allowed(function):
    return {action for it in statements(f"{logical(function)}Role") for action in as_list(it["Action"])}


# ---- Policies ----


def judge_wildcards():
    used = set()
    for name, resource in RESOURCES.items():
        if resource["Type"] != "AWS::IAM::Role":
            continue
        for statement in statements(name):
            if any("*" in action for action in as_list(statement["Action"])):
                fault(f"{name}: {statement['Sid']} allows actions by wildcard")
            if "*" in as_list(statement["Resource"]):
                used.add((name, statement["Sid"]))
    for place in used ^ set(WILDCARDS):
        fault(f"{place}: a resource is * without being on the list, or on the list without being *")


def judge_beyond():
    for entry in BEYOND:
        function, action = entry if isinstance(entry, tuple) else (None, entry)
        if not any(action in allowed(it) for it in FUNCTIONS if function in (None, it)):
            fault(f"{entry} is on the list of what nobody needs, and in no policy")


def judge_operations(lines):
    asked = [line.rstrip("\n").split("\t") for line in lines if line.strip()]
    for function in FUNCTIONS:
        own = [it for it in asked if it[0] == function]
        seen, may = {it[1] for it in own}, allowed(function)
        for action in sorted(seen - may):
            fault(f"{function} asks for {action}, and its policy does not allow it")
        for action in sorted(may - seen):
            if action in BEYOND or (function, action) in BEYOND:
                continue
            fault(f"{function} may {action}, and was never seen to need it")
        indexes = {it[2] for it in own if it[2] != "-"}
        granted = set(re.findall(r"/index/(gsi\d)", json.dumps(list(statements(f"{logical(function)}Role")))))
        if indexes != granted:
            fault(f"{function} reads the indexes {sorted(indexes)}, and may read {sorted(granted)}")
        for statement in statements(f"{logical(function)}Role"):
            keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys")
            letters = {it[3] + "*" for it in own if it[1].startswith("dynamodb:")}
            if keys and letters != set(keys):
                fault(f"{function} reads and writes partitions {sorted(letters)}, and may {sorted(keys)}")


def judge_secrets():
    for function in NO_SECRETS:
        if any(action.startswith("secretsmanager:") for action in allowed(function)):
            fault(f"{function} may use secrets")


# ---- The environment ----


def judge_environment():
    source = (ROOT / "shared/src/lambda.rs").read_text(encoding="utf-8")
    read = set(re.findall(r'"(OKTA_CONNECTOR_[A-Z_]+)"', source))
    given = set()
    for function in FUNCTIONS:
        given |= set(RESOURCES[f"{logical(function)}Function"]["Properties"]["Environment"]["Variables"])
    for name in sorted(read - given - set(EMULATOR_ONLY)):
        fault(f"{name} is read and not set")
    for name in sorted(given - read | given & set(EMULATOR_ONLY)):
        fault(f"{name} is set and not to be read")


# ---- What happens by itself ----


def judge_schedules():
    for name, resource in RESOURCES.items():
        properties = resource.get("Properties", {})
        if resource["Type"] == "AWS::Scheduler::Schedule":
            if "DeadLetterConfig" not in properties["Target"]:
                fault(f"{name} has no queue for what could not be started")
            if not re.fullmatch(r"rate\(1 (minute|hour|day)\)", properties["ScheduleExpression"]):
                fault(f"{name}: an expression that this judge does not know")
        if resource["Type"] == "AWS::Lambda::EventInvokeConfig" and "OnFailure" not in properties["DestinationConfig"]:
            fault(f"{name} has no queue for what failed")
    queues = [name for name, it in RESOURCES.items() if it["Type"] == "AWS::SQS::Queue"]
    alarms = json.dumps([it for it in RESOURCES.values() if it["Type"] == "AWS::CloudWatch::Alarm"])
    for name in queues:
        if f'"{name}", "QueueName"' not in alarms:
            fault(f"{name} is watched by no alarm")


# ---- Parameters: what is refused before anything is created ----

ROLE = "arn:aws:iam::123456789012:role/path/Admins"
VALUES = {
    "JwtIssuer": (
        ["", "https://acme.okta.com/oauth2/default", "https://login.example.com:8443/a_b~c"],
        ["acme.okta.com", "http://acme.okta.com", "https://", "https://a.com?x=1", "https://a.com/a b", "https://a.com,https://b.com"],
    ),
    "JwtAudience": (["", "api://connector", "0oa1"], ["a,b", "a b"]),
    "TeamsClaim": (["teams", "https://example.com/teams"], ["", "my teams"]),
    "AdminScope": (["okta-connector.admin"], ["", "a b"]),
    "AdminRoleArns": (["", ROLE, f"{ROLE}, {ROLE}"], ["Admins", f"{ROLE},", "arn:aws:iam::1:role/A", f"it={ROLE}"]),
    "TeamRoleArns": (["", f"it={ROLE}", f"it={ROLE},h.r={ROLE}"], [ROLE, f"i t={ROLE}", f"it={ROLE};hr={ROLE}"]),
    "AlarmTopicArn": (["", "arn:aws:sns:us-east-1:123456789012:ops"], ["ops", "arn:aws:sqs:us-east-1:123456789012:ops"]),
}


def judge_parameters():
    for name, parameter in TEMPLATE["Parameters"].items():
        if "Description" not in parameter:
            fault(f"{name} has no description")
        if parameter["Type"] == "String" and not {"AllowedPattern", "AllowedValues"} & set(parameter):
            fault(f"{name} takes any text")
        if "AllowedPattern" not in parameter:
            continue
        if not parameter.get("ConstraintDescription", "").startswith(name):
            fault(f"{name}: the message of a refusal does not name it")
        good, bad = VALUES[name]
        for value in good:
            if not re.fullmatch(parameter["AllowedPattern"], value):
                fault(f"{name} refuses {value!r}")
        for value in bad:
            if re.fullmatch(parameter["AllowedPattern"], value):
                fault(f"{name} takes {value!r}")
    for rule, (needed, wanting) in {
        "IssuerNeedsAudience": ("JwtAudience", "JwtIssuer"),
        "AudienceNeedsIssuer": ("JwtIssuer", "JwtAudience"),
    }.items():
        there = {"Fn::Not": [{"Fn::Equals": [{"Ref": wanting}, ""]}]}
        assertion = TEMPLATE["Rules"][rule]["Assertions"][0]
        if TEMPLATE["Rules"][rule]["RuleCondition"] != there or needed not in json.dumps(assertion["Assert"]):
            fault(f"{rule} does not ask for {needed} where there is {wanting}")
        if wanting not in assertion["AssertDescription"]:
            fault(f"{rule}: the message of a refusal does not name {wanting}")


judge_wildcards()
judge_beyond()
judge_secrets()
judge_environment()
judge_schedules()
judge_parameters()
if len(sys.argv) > 2:
    judge_operations(Path(sys.argv[2]).read_text(encoding="utf-8").splitlines())
else:
    print("skipped: no file of operations, so policies are not compared with what is asked")
for text in faults:
    print(text)
print(f"{len(faults)} faults")
sys.exit(bool(faults))
