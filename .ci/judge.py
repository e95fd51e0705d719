"""Hold the expanded template against what the code reads, asks of AWS, and promises.

    judge.py expanded.json [operations.tsv]

The second file is what the tests write down: function, action, index and the first letters of the partition's key, one
operation a line.
"""

import json
import re
import sys
from fnmatch import fnmatchcase
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

# What says who callers are. A function that serves callers and lacks it takes no caller for an admin.
KNOWS_CALLERS = {
    "OKTA_CONNECTOR_ADMIN_ROLE_ARNS",
    "OKTA_CONNECTOR_TEAM_ROLE_ARNS",
    "OKTA_CONNECTOR_TEAMS_CLAIM",
    "OKTA_CONNECTOR_ADMIN_SCOPE",
}

# What conditions in the functions' policies this judge can evaluate.
CONDITIONS = {
    ("ForAllValues:StringLike", "dynamodb:LeadingKeys"),
    ("Null", "dynamodb:LeadingKeys"),
    ("StringEquals", "iam:PassedToService"),
}

# Services that act for many accounts at once, and what has to bind them to this one when they take a role.
BINDINGS = {
    "lambda.amazonaws.com": set(),
    "states.amazonaws.com": {"aws:SourceAccount"},
    "scheduler.amazonaws.com": {"aws:SourceAccount", "aws:SourceArn"},
}

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


def of_type(kind):
    return {name: it for name, it in RESOURCES.items() if it["Type"] == kind}


def conditions(statement):
    for operator, keys in statement.get("Condition", {}).items():
        for key, values in keys.items():
            yield operator, key, as_list(values)


def permits(statement, action, key):
    """Whether a statement allows an operation on a partition whose key begins so; `-` is an operation without a key."""
    if action not in as_list(statement["Action"]):
        return False
    keys = [] if key == "-" else [key + "rest" if key.endswith("#") else key]
    for operator, name, values in conditions(statement):
        if name != "dynamodb:LeadingKeys":
            continue
        if operator == "Null" and (not keys) != (values == ["true"]):
            return False
        if operator == "ForAllValues:StringLike" and not all(any(fnmatchcase(it, like) for like in values) for it in keys):
            return False
    return True


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


def judge_conditions():
    for name in of_type("AWS::IAM::Role"):
        for statement in statements(name):
            for operator, key, _ in conditions(statement):
                if (operator, key) not in CONDITIONS:
                    fault(f"{name}: {statement['Sid']} has {operator} of {key}, which this judge cannot evaluate")
                if operator.startswith("ForAllValues:") and statement["Condition"].get("Null", {}).get(key) != "false":
                    fault(f"{name}: {statement['Sid']} allows requests without {key}: ForAllValues needs Null beside it")


def judge_trust():
    for name, role in of_type("AWS::IAM::Role").items():
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            service = statement["Principal"]["Service"]
            bound = {key: values for _, key, values in conditions(statement)}
            if service not in BINDINGS or not BINDINGS[service] <= set(bound):
                fault(f"{name}: {service} may take it for others than this stack")
            if bound.get("aws:SourceAccount", [{"Ref": "AWS::AccountId"}]) != [{"Ref": "AWS::AccountId"}]:
                fault(f"{name}: {service} may take it for another account")
    for name, permission in of_type("AWS::Lambda::Permission").items():
        if "${Api}/" not in json.dumps(permission["Properties"].get("SourceArn")):
            fault(f"{name} lets others than the API call the function")
    # A schedule: what its group, its role and its target have to say of each other.
    takes = {
        (it["GroupName"]["Ref"], it["Target"]["RoleArn"]["Fn::GetAtt"][0], json.dumps(it["Target"]["Arn"]))
        for it in (schedule["Properties"] for schedule in of_type("AWS::Scheduler::Schedule").values())
    }
    for function in FUNCTIONS:
        given = RESOURCES[f"{logical(function)}Function"]["Properties"]["Environment"]["Variables"]
        if "OKTA_CONNECTOR_SCHEDULE_ROLE" in given:
            group, role = given["OKTA_CONNECTOR_SCHEDULE_GROUP"]["Ref"], given["OKTA_CONNECTOR_SCHEDULE_ROLE"]["Fn::GetAtt"][0]
            for target in ["OKTA_CONNECTOR_STATE_MACHINE", "OKTA_CONNECTOR_LOG_POLL_FUNCTION"]:
                takes.add((group, role, json.dumps(given[target])))
    for group, role, target in sorted(takes):
        trust = RESOURCES[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
        if not any(key == "aws:SourceArn" and {"Fn::GetAtt": [group, "Arn"]} in values
                   for statement in trust for _, key, values in conditions(statement)):
            fault(f"{role} cannot be taken by schedules of {group}")
        if not any(target == json.dumps(it) for statement in statements(role) for it in as_list(statement["Resource"])):
            fault(f"{role} may not start {target}")


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
        policy = list(statements(f"{logical(function)}Role"))
        for _, action, _, key in own:
            if action in may and not any(permits(it, action, key) for it in policy):
                fault(f"{function} asks for {action} in the partition {key}, and a condition denies it")
        for statement in policy:
            for operator, key, values in conditions(statement):
                if (operator, key) != ("ForAllValues:StringLike", "dynamodb:LeadingKeys"):
                    continue
                needed = {it[3] + "*" for it in own if it[1] in as_list(statement["Action"])}
                for like in sorted(set(values) - needed):
                    fault(f"{function}: {statement['Sid']} allows partitions {like}, and was never seen to need them")


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
    routes = [it["Properties"] for it in of_type("AWS::ApiGatewayV2::Route").values()]
    serving = {re.search(r"(\w+)Integration}", json.dumps(it["Target"])).group(1) for it in routes if it["AuthorizationType"] != "NONE"}
    for function in FUNCTIONS:
        given = set(RESOURCES[f"{logical(function)}Function"]["Properties"]["Environment"]["Variables"])
        wanted = KNOWS_CALLERS if logical(function) in serving else set()
        for name in sorted(wanted ^ given & KNOWS_CALLERS):
            fault(f"{function} serves callers and lacks {name}" if name in wanted else f"{function} serves no callers and has {name}")


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
    for name, alarm in of_type("AWS::CloudWatch::Alarm").items():
        actions = alarm["Properties"].get("AlarmActions")
        if not actions or alarm["Properties"].get("OKActions") != actions:
            fault(f"{name} does not say both that it goes off and that it is over")
    queues = [name for name, it in RESOURCES.items() if it["Type"] == "AWS::SQS::Queue"]
    alarms = json.dumps([it for it in RESOURCES.values() if it["Type"] == "AWS::CloudWatch::Alarm"])
    for name in queues:
        if f'"{name}", "QueueName"' not in alarms:
            fault(f"{name} is watched by no alarm")
    for name in of_type("AWS::Scheduler::ScheduleGroup"):
        if f'"Name": "ScheduleGroup", "Value": {{"Ref": "{name}"}}' not in alarms:
            fault(f"{name} is watched by no alarm")
    if '"TreatMissingData": "breaching"' not in alarms:
        fault("no alarm goes off where nothing happens any more")


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
    "ExistingTable": (["", "okta-connector-Table-1A2B", "restored_2026.01"], ["a", "my table", "arn:aws:dynamodb:x:1:table/t"]),
    "DomainName": (
        ["", "connector.example.com", "a-b.c9.example"],
        ["example", "Connector.example.com", "https://connector.example.com", "connector.example.com.", "-a.example.com", "a..b"],
    ),
    "CertificateArn": (
        ["", "arn:aws:acm:eu-west-1:123456789012:certificate/1a2b-3c"],
        ["certificate/1a2b", "arn:aws:iam::123456789012:server-certificate/a"],
    ),
    "HostedZoneId": (["", "Z0123456789ABCDEFGHIJ"], ["/hostedzone/Z01", "z01", "example.com"]),
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
        "DomainNeedsCertificate": ("CertificateArn", "DomainName"),
        "CertificateNeedsDomain": ("DomainName", "CertificateArn"),
        "ZoneNeedsDomain": ("DomainName", "HostedZoneId"),
    }.items():
        there = {"Fn::Not": [{"Fn::Equals": [{"Ref": wanting}, ""]}]}
        assertion = TEMPLATE["Rules"][rule]["Assertions"][0]
        if TEMPLATE["Rules"][rule]["RuleCondition"] != there or needed not in json.dumps(assertion["Assert"]):
            fault(f"{rule} does not ask for {needed} where there is {wanting}")
        if wanting not in assertion["AssertDescription"]:
            fault(f"{rule}: the message of a refusal does not name {wanting}")


judge_wildcards()
judge_conditions()
judge_trust()
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
