"""Expand a SAM template as CloudFormation would and print the result, for the linter.

The transform refuses some templates that the linters accept, so expanding is a check of its own;
with the state machine's definition inside, the linter reads that too.
"""

import json
import sys
from pathlib import Path

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator
from samtranslator.yaml_helper import yaml_parse

source = Path(sys.argv[1])
template = yaml_parse(source.read_text(encoding="utf-8"))
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
json.dump(translator.translate(template, {}), sys.stdout, indent=2)
