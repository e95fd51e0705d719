"""Hold the expanded template against what the code reads, asks of AWS, and promises.

    judge.py expanded.json [operations.tsv]

The first file is what `expand.py` makes of the template for some parameters. The second is what the tests write down: function,
action, index and the first letters of the partition's key, one operation a line.
"""

import json
import re
import sys
from fnmatch import fnmatchcase
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEMPLATE = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
RESOURCES = TEMPLATE["Resources"]
GIVEN = {name for name, it in TEMPLATE["Parameters"].items() if it["Default"] not in ("", 0)}
FUNCTIONS = ["action", "connect", "directory", "log-poll", "public", "sync", "test"]

# ---- What is allowed although it looks wrong, each with its reason ----

WILDCARDS = {
    ("ConnectRole", "ListSchedules"): "can be granted for all schedules of an account alone",
    ("TestRole", "ListSchedules"): "can be granted for all schedules of an account alone",
    ("SyncStateMachineRole", "LogDelivery"): "the delivery of logs knows no resources",
    ("NetworkPolicy", "Look"): "what is listed of a network knows no resources",
    ("NetworkPolicy", "NotByPrograms"): "denies",
}

# Read by the code and set by nobody on AWS.
EMULATOR_ONLY = {"OKTA_CONNECTOR_ALLOW_ORIGIN": "a simulated tenant, beside an emulator of AWS"}

# Set only where this parameter is given.
BY_PARAMETER = {"OKTA_CONNECTOR_KMS_KEY": "KmsKeyArn"}

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
    "kms:Decrypt": "services use the key for a function",
    "kms:DescribeKey": "services use the key for a function",
    "kms:Encrypt": "services use the key for a function",
    "kms:GenerateDataKey": "services use the key for a function",
    "kms:ReEncryptFrom": "services use the key for a function",
    "kms:ReEncryptTo": "services use the key for a function",
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
    ("StringEquals", "kms:ViaService"),
    ("StringLike", "kms:EncryptionContext:aws:scheduler:schedule:arn"),
    ("StringLike", "kms:EncryptionContext:aws:states:stateMachineArn"),
    ("StringEquals", "kms:EncryptionContext:SourceArn"),
    ("Null", "lambda:SourceFunctionArn"),
}

# Services that act for many accounts at once, and what has to bind them to this one when they take a role.
BINDINGS = {
    "lambda.amazonaws.com": set(),
    "states.amazonaws.com": {"aws:SourceAccount"},
    "scheduler.amazonaws.com": {"aws:SourceAccount", "aws:SourceArn"},
    "codedeploy.amazonaws.com": {"aws:SourceAccount"},
}

# Where each kind of thing that stores something names its key.
KEYS = {
    "AWS::DynamoDB::Table": "SSESpecification.KMSMasterKeyId",
    "AWS::Events::Archive": "KmsKeyIdentifier",
    "AWS::Events::EventBus": "KmsKeyIdentifier",
    "AWS::Lambda::Function": "KmsKeyArn",
    "AWS::Logs::LogGroup": "KmsKeyId",
    "AWS::SQS::Queue": "KmsMasterKeyId",
    "AWS::Scheduler::Schedule": "KmsKeyArn",
    "AWS::SecretsManager::Secret": "KmsKeyId",
    "AWS::StepFunctions::StateMachine": "EncryptionConfiguration.KmsKeyId",
}

# Kinds that store nothing but what the template says, or that AWS encrypts with no key of a customer.
WITHOUT_KEY = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::Authorizer",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::ApiGatewayV2::Integration",
    "AWS::ApiGatewayV2::Route",
    "AWS::ApiGatewayV2::Stage",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::CodeDeploy::Application",
    "AWS::CodeDeploy::DeploymentGroup",
    "AWS::IAM::ManagedPolicy",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Version",
    "AWS::Route53::RecordSet",
    "AWS::SSM::Parameter",
    "AWS::Scheduler::ScheduleGroup",
}

# Through which service a role uses the key, by what its policy allows. Lambda decrypts the variables of a function for its role.
SERVICES = {
    "dynamodb:GetItem": "dynamodb",
    "secretsmanager:GetSecretValue": "secretsmanager",
    "scheduler:CreateSchedule": "scheduler",
    "sqs:SendMessage": "sqs",
}

faults = []


def fault(text):
    faults.append(text)


def as_list(value):
    return value if isinstance(value, list) else [value]


def logical(function):
    return "".join(part.capitalize() for part in function.split("-"))


def statements(name):
    """Those of a role, or of a policy of its own."""
    properties = RESOURCES[name]["Properties"]
    for policy in [properties] if "PolicyDocument" in properties else properties.get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def policies():
    return [*of_type("AWS::IAM::Role"), *of_type("AWS::IAM::ManagedPolicy"), *of_type("AWS::IAM::Policy")]


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
    for name in policies():
        for statement in statements(name):
            if any("*" in action for action in as_list(statement["Action"])):
                fault(f"{name}: {statement['Sid']} allows actions by wildcard")
            if "*" in as_list(statement["Resource"]):
                used.add((name, statement["Sid"]))
    for place in used ^ {it for it in WILDCARDS if it[0] in RESOURCES}:
        fault(f"{place}: a resource is * without being on the list, or on the list without being *")


def judge_conditions():
    for name in policies():
        for statement in statements(name):
            for operator, key, _ in conditions(statement):
                if (operator, key) not in CONDITIONS:
                    fault(f"{name}: {statement['Sid']} has {operator} of {key}, which this judge cannot evaluate")
                if operator.startswith("ForAllValues:") and statement["Condition"].get("Null", {}).get(key) != "false":
                    fault(f"{name}: {statement['Sid']} allows requests without {key}: ForAllValues needs Null beside it")


def judge_trust():
    for name, role in of_type("AWS::IAM::Role").items():
        for statement in role["Properties"]["AssumeRolePolicyDocument"]["Statement"]:
            (service,) = as_list(statement["Principal"]["Service"])
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
        if action.startswith("kms:") and "KmsKeyArn" not in GIVEN:
            continue
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
    for name in sorted(read - given - set(EMULATOR_ONLY) - {it for it, parameter in BY_PARAMETER.items() if parameter not in GIVEN}):
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
        for actions in ("AlarmActions", "OKActions"):
            judge_parameter("AlarmTopicArn", f"{actions} of {name}", alarm["Properties"].get(actions) or None, [{"Ref": "AlarmTopicArn"}])
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


# ---- The rules of an account: each parameter reaches all that it is for, and nothing where it is not given ----


def member(value, path):
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def judge_parameter(name, what, seen, wanted):
    """What is as it should be where a parameter is given, and absent where not."""
    if seen != (wanted if name in GIVEN else None):
        fault(f"{what} is {json.dumps(seen)}, with {name} {'given' if name in GIVEN else 'left out'}")


def judge_roles():
    for name, role in of_type("AWS::IAM::Role").items():
        boundary, path = {"Ref": "PermissionsBoundaryArn"}, {"Ref": "RolePath"}
        judge_parameter("PermissionsBoundaryArn", f"the boundary of {name}", role["Properties"].get("PermissionsBoundary"), boundary)
        judge_parameter("RolePath", f"the path of {name}", role["Properties"].get("Path"), path)
    for name, policy in of_type("AWS::IAM::ManagedPolicy").items():
        judge_parameter("RolePath", f"the path of {name}", policy["Properties"].get("Path"), {"Ref": "RolePath"})
    # A role's ARN holds its path: whoever spells one out has another's.
    for name, resource in RESOURCES.items():
        given = resource["Properties"].get("Environment", {}).get("Variables", {})
        if re.search(r":(role|policy)/(?!(service-role/)?AWS)", json.dumps({**resource["Properties"], "Environment": list(given)})):
            fault(f"{name} spells out the ARN of a role or a policy")


def judge_network():
    subnets, groups = ({"Fn::Split": [",", {"Ref": name}]} for name in ("SubnetIds", "SecurityGroupIds"))
    for function in FUNCTIONS:
        name = logical(function)
        network = RESOURCES[f"{name}Function"]["Properties"].get("VpcConfig")
        judge_parameter("SubnetIds", f"the network of {function}", network, {"SubnetIds": subnets, "SecurityGroupIds": groups})
        attached = RESOURCES[f"{name}Role"]["Properties"].get("ManagedPolicyArns", [])
        policy = next((it for it in attached if it == {"Ref": "NetworkPolicy"}), None)
        judge_parameter("SubnetIds", f"NetworkPolicy of {function}", policy, {"Ref": "NetworkPolicy"})
    if "NetworkPolicy" in RESOURCES:
        allow, deny = ({action for it in statements("NetworkPolicy") if it["Effect"] == effect for action in as_list(it["Action"])}
                       for effect in ("Allow", "Deny"))
        programs = [it.get("Condition") for it in statements("NetworkPolicy") if it["Effect"] == "Deny"]
        if allow != deny or programs != [{"Null": {"lambda:SourceFunctionArn": "false"}}]:
            fault("NetworkPolicy lets the functions' programs do what Lambda does")


def taken_by(role):
    """The service that may take a role."""
    return as_list(RESOURCES[role]["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]["Principal"]["Service"])[0]


def key_services(name):
    """The services through which a role needs the key."""
    actions = {action for it in statements(name) for action in as_list(it["Action"])}
    needed = {service for action, service in SERVICES.items() if action in actions or action.replace("Get", "BatchGet") in actions}
    return needed | ({"lambda"} if taken_by(name) == "lambda.amazonaws.com" else set())


def judge_key():
    for name, resource in RESOURCES.items():
        if resource["Type"] in KEYS:
            seen = member(resource["Properties"], KEYS[resource["Type"]])
            judge_parameter("KmsKeyArn", f"the key of {name}", seen, {"Ref": "KmsKeyArn"})
        elif resource["Type"] not in WITHOUT_KEY:
            fault(f"{name}: neither list says whether a {resource['Type']} can have a key")
        if "KmsKeyArn" not in GIVEN and '"KmsKeyArn"' in json.dumps(resource):
            fault(f"{name} names a key that is not given")
    for name in of_type("AWS::IAM::Role"):
        grants = [it for it in statements(name) if any(action.startswith("kms:") for action in as_list(it["Action"]))]
        if any(it["Resource"] != {"Ref": "KmsKeyArn"} or "Condition" not in it for it in grants):
            fault(f"{name} may use keys without a condition, or other keys")
        through = {value["Fn::Sub"].split(".")[0] for it in grants for _, key, values in conditions(it)
                   if key == "kms:ViaService" for value in values}
        if through != (key_services(name) if "KmsKeyArn" in GIVEN else set()):
            fault(f"{name} may use the key through {sorted(through)}, and needs it through {sorted(key_services(name))}")
        contexts = {key for it in grants for _, key, _ in conditions(it)}
        wanted = {"scheduler.amazonaws.com": {"kms:EncryptionContext:aws:scheduler:schedule:arn"},
                  "states.amazonaws.com": {"kms:EncryptionContext:aws:states:stateMachineArn", "kms:EncryptionContext:SourceArn"}}
        if "KmsKeyArn" in GIVEN and not wanted.get(taken_by(name), set()) <= contexts:
            fault(f"{name} cannot use the key for what {taken_by(name)} stores")
    for function in FUNCTIONS:
        if {"secretsmanager:CreateSecret", "scheduler:CreateSchedule"} & allowed(function):
            given = RESOURCES[f"{logical(function)}Function"]["Properties"]["Environment"]["Variables"]
            judge_parameter("KmsKeyArn", f"the key that {function} gives", given.get("OKTA_CONNECTOR_KMS_KEY"), {"Ref": "KmsKeyArn"})


def judge_archive():
    archives = list(of_type("AWS::Events::Archive").values())
    days = archives[0]["Properties"]["RetentionDays"] if archives else None
    judge_parameter("BusArchiveDays", "the archive of the bus", days, {"Ref": "BusArchiveDays"})


def called(function):
    """All that names a function in order to call it: where, and what it names."""
    name = logical(function)
    for place, resource in RESOURCES.items():
        properties = resource["Properties"]
        if place == f"{name}Integration":
            yield place, properties["IntegrationUri"]
        if place == f"{name}Permission":
            yield place, properties["FunctionName"]
        if resource["Type"] == "AWS::StepFunctions::StateMachine" and function == "sync":
            yield place, properties["DefinitionSubstitutions"]["SyncFunctionArn"]
        if place == "TestDaily" and function == "test":
            yield place, properties["Target"]["Arn"]
        variables = properties.get("Environment", {}).get("Variables", {}) if resource["Type"] == "AWS::Lambda::Function" else {}
        if function == "log-poll" and "OKTA_CONNECTOR_LOG_POLL_FUNCTION" in variables:
            yield place, variables["OKTA_CONNECTOR_LOG_POLL_FUNCTION"]


def judge_deployments():
    gradual = "DeploymentPreference" in GIVEN
    for function in FUNCTIONS:
        name = logical(function)
        own = {"Ref": f"{name}Function"}
        usual = [own, {"Fn::GetAtt": [f"{name}Function", "Arn"]}]
        places = list(called(function))
        if not places:
            fault(f"nothing calls {function}")
        for place, target in places:
            if target not in ([{"Ref": f"{name}Live"}] if gradual else usual):
                fault(f"{place} calls {json.dumps(target)}")
        alias, version = RESOURCES.get(f"{name}Live"), RESOURCES.get(f"{name}Version")
        if not gradual:
            if alias or version:
                fault(f"{function} has an alias or a version, with DeploymentPreference left out")
            continue
        if alias["Properties"] != {"Name": "live", "FunctionName": own, "FunctionVersion": {"Fn::GetAtt": [f"{name}Version", "Version"]}}:
            fault(f"the alias of {function} is not the newest version")
        if version["Properties"] != {"FunctionName": own, "Description": {"Ref": "Release"}} or version.get("DeletionPolicy") != "Retain":
            fault(f"{function} gets no new version with a release, or loses the former one")
        if "${Release}" not in json.dumps(RESOURCES[f"{name}Function"]["Properties"]["Description"]):
            fault(f"{function} is the same in every release, of which Lambda publishes no version")
        moved = alias.get("UpdatePolicy", {}).get("CodeDeployLambdaAliasUpdate", {}).get("DeploymentGroupName")
        group = RESOURCES[f"{name}Deployments"]["Properties"]
        if moved != {"Ref": f"{name}Deployments"} or "${DeploymentPreference}" not in json.dumps(group["DeploymentConfigName"]):
            fault(f"{function} does not move as DeploymentPreference says")
        if {"Name": {"Ref": f"{name}ErrorsAlarm"}} not in group["AlarmConfiguration"]["Alarms"]:
            fault(f"the errors of {function} do not stop its deployment")
        if "DEPLOYMENT_STOP_ON_ALARM" not in group["AutoRollbackConfiguration"]["Events"]:
            fault(f"an alarm does not roll {function} back")
    hourly = RESOURCES["ConnectHourly"]["Properties"]
    newest = {"Fn::GetAtt": ["ConnectVersion", "Version"]}
    if hourly["FunctionVersion"] != (newest if gradual else "$LATEST"):
        fault("the hourly schedule does not call the release")
    if gradual and "${ConnectLive}" not in json.dumps(hourly):
        fault("the hourly schedule calls a release before it is known to work")
    qualifier = json.dumps(RESOURCES["LogPollInvocations"]["Properties"]["Qualifier"])
    if ("LogPollLive" in qualifier) != gradual or ("$LATEST" in qualifier) == gradual:
        fault("what failed of log-poll has no queue where it is called")
    slices = json.dumps([it["Resource"] for it in statements("SyncStateMachineRole") if it["Sid"] == "Slice"])
    if ("SyncLive" in slices) != gradual:
        fault("SyncStateMachineRole may not call what its state machine calls")


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
    "PermissionsBoundaryArn": (
        ["", "arn:aws:iam::123456789012:policy/path/boundary", "arn:aws:iam::aws:policy/PowerUserAccess"],
        ["boundary", ROLE],
    ),
    "RolePath": (["", "/", "/teams/identity/"], ["teams", "/teams", "teams/", "//", "/te ams/"]),
    "KmsKeyArn": (
        ["", "arn:aws:kms:eu-west-1:123456789012:key/1a2b-3c", "arn:aws-us-gov:kms:us-gov-west-1:123456789012:key/mrk-1a2b"],
        ["1a2b-3c", "alias/mine", "arn:aws:kms:eu-west-1:123456789012:alias/mine"],
    ),
    "SubnetIds": (["", "subnet-0a1b", "subnet-0a1b,subnet-1a2b"], ["subnet-", "subnet-0a1b, subnet-1a2b", "subnet-0a1b,", "sg-0a1b"]),
    "SecurityGroupIds": (["", "sg-0a1b", "sg-0a1b,sg-1a2b"], ["sg-", "sg-0a1b, sg-1a2b", "sg-0a1b,", "subnet-0a1b"]),
    "DeploymentPreference": (
        ["", "Canary10Percent5Minutes", "Linear10PercentEvery1Minute", "Linear10PercentEvery10Minutes"],
        ["AllAtOnce", "Canary", "CodeDeployDefault.LambdaCanary10Percent5Minutes", "Linear10PercentEvery5Minutes"],
    ),
    "Release": (["", "0.1.0-20260131T0600"], ["a b", "${x}", "a" * 65]),
}


def judge_groups():
    interface = TEMPLATE["Metadata"]["AWS::CloudFormation::Interface"]
    grouped = [name for group in interface["ParameterGroups"] for name in group["Parameters"]]
    for name in sorted(set(TEMPLATE["Parameters"]) ^ set(grouped) | {it for it in grouped if grouped.count(it) > 1}):
        fault(f"{name} is not in one group of parameters")
    for name in sorted(set(TEMPLATE["Parameters"]) ^ set(interface["ParameterLabels"])):
        fault(f"{name} has no label, or is no parameter")


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
        "SubnetsNeedSecurityGroups": ("SecurityGroupIds", "SubnetIds"),
        "SecurityGroupsNeedSubnets": ("SubnetIds", "SecurityGroupIds"),
        "PreferenceNeedsRelease": ("Release", "DeploymentPreference"),
        "ReleaseNeedsPreference": ("DeploymentPreference", "Release"),
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
judge_roles()
judge_network()
judge_key()
judge_archive()
judge_deployments()
judge_parameters()
judge_groups()
if len(sys.argv) > 2:
    judge_operations(Path(sys.argv[2]).read_text(encoding="utf-8").splitlines())
else:
    print("skipped: no file of operations, so policies are not compared with what is asked")
for text in faults:
    print(text)
print(f"{len(faults)} faults")
sys.exit(bool(faults))
