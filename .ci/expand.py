"""Expand a SAM template as CloudFormation would for given parameters, and print the result, for the linters and the judge.

    expand.py template.yaml [parameters.yaml [NAME…]]

The transform refuses some templates that the linters accept, so expanding is a check of its own; with the state machine's
definition inside, the linter reads that too. The given parameters, or those of them that are named, become the defaults. What
only other parameters would make is left out, so that the result is what the stack has.
"""

import json
import sys
from pathlib import Path

import boto3
import yaml
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

NO_VALUE = {"Ref": "AWS::NoValue"}


def holds(condition, template: dict) -> bool:
    """Whether a condition is true with the defaults of the parameters."""
    ((name, argument),) = condition.items()
    if name == "Condition":
        return holds(template["Conditions"][argument], template)
    if name == "Fn::Equals":
        defaults = {key: str(it.get("Default")) for key, it in template["Parameters"].items()}
        one, other = (defaults[it["Ref"]] if isinstance(it, dict) else str(it) for it in argument)
        return one == other
    parts = [holds(it, template) for it in argument]
    return {"Fn::Not": lambda: not parts[0], "Fn::And": lambda: all(parts), "Fn::Or": lambda: any(parts)}[name]()


def chosen(value, template: dict):
    """A value with the branch that each `Fn::If` takes, and without what has no value."""
    if isinstance(value, dict) and set(value) == {"Fn::If"}:
        condition, then, otherwise = value["Fn::If"]
        return chosen(then if holds({"Condition": condition}, template) else otherwise, template)
    if isinstance(value, dict):
        members = ((name, chosen(it, template)) for name, it in value.items())
        return {name: it for name, it in members if it != NO_VALUE}
    if isinstance(value, list):
        return [it for it in (chosen(each, template) for each in value) if it != NO_VALUE]
    return value


def resolved(template: dict) -> dict:
    """The template without conditions."""
    for part in ("Resources", "Outputs"):
        there = {}
        for name, it in template[part].items():
            condition = it.pop("Condition", None)
            if condition is None or holds({"Condition": condition}, template):
                there[name] = chosen(it, template)
        template[part] = there
    for it in template["Resources"].values():
        needed = it.pop("DependsOn", [])
        needed = [name for name in ([needed] if isinstance(needed, str) else needed) if name in template["Resources"]]
        if needed:
            it["DependsOn"] = needed
    del template["Conditions"]
    return template


source = Path(sys.argv[1])
template = yaml_parse(source.read_text(encoding="utf-8"))
given = yaml.safe_load(Path(sys.argv[2]).read_text(encoding="utf-8")) if len(sys.argv) > 2 else {}
for name in sys.argv[3:] or given:
    template["Parameters"][name]["Default"] = given[name]
for resource in template["Resources"].values():
    properties = resource["Properties"]
    if "CodeUri" in properties:
        # The transform sees a template whose programs were uploaded.
        properties["CodeUri"] = "s3://bucket/key"
    if "DefinitionS3Location" in properties:
        definition = source.parent / properties.pop("DefinitionS3Location")
        text = definition.read_text(encoding="utf-8").replace("${Partition}", "aws")
        properties["Definition"] = json.loads(text)

translator = Translator({}, Parser(), boto_session=boto3.Session(region_name="us-east-1"))
json.dump(resolved(translator.translate(template, {})), sys.stdout, indent=2)
