"""The main job by the generated Python client; `run.py` generates it, starts the service, and runs this.

client.py SERVICE MACHINE_TOKEN TENANT TOKEN
"""

import importlib
import pkgutil
import sys
import time

import okta_connector_client
from okta_connector_client import AuthenticatedClient as Client
from okta_connector_client.api.actions import list_actions, user_search
from okta_connector_client.api.connections import (
    create_connection,
    get_connection,
    list_connections,
    test_connection,
)
from okta_connector_client.api.directory import list_people
from okta_connector_client.api.syncs import get_sync, start_sync
from okta_connector_client.models import (
    ApiToken,
    CreateConnectionBody,
    Effect,
    ListActionsResponse200,
    ListConnectionsResponse200,
    ListPeopleResponse200,
    NewSync,
    Problem,
    Rehearsed,
    RunStatus,
    SetUp,
    Status,
    Sync,
    TestReport,
    UserSearchInput,
    UserSearchOutput,
)

# Seconds that a sync may take.
PATIENCE = 60


def say(fact: str) -> None:
    print(f"Python: {fact}", flush=True)


def import_everything() -> None:
    found = pkgutil.walk_packages(okta_connector_client.__path__, "okta_connector_client.")
    count = len([importlib.import_module(module.name) for module in found])
    assert count > 100, count
    say(f"all {count} modules can be imported")


def connect(client: Client, tenant: str, token: str) -> str:
    # Without schedules: nothing but this program starts a sync.
    auth = ApiToken(type_="api_token", token=token)
    body = CreateConnectionBody(name="Python", domain=tenant, auth=auth, sync=None)
    made = create_connection.sync(client=client, body=body)
    assert isinstance(made, SetUp), made
    assert made.status == Status.ACTIVE, made
    say("a connection by API token is made, and is active")
    tested = test_connection.sync(made.id, client=client)
    assert isinstance(tested, TestReport), tested
    assert tested.status == Status.ACTIVE and tested.checks, tested
    say(f"its test answers a TestReport with {len(tested.checks)} checks")
    listed = list_connections.sync(client=client)
    assert isinstance(listed, ListConnectionsResponse200), listed
    assert made.id in [it.id for it in listed.items], listed
    say("the list of connections has it")
    return made.id


def act(client: Client, connection: str) -> None:
    actions = list_actions.sync(client=client, limit=200)
    assert isinstance(actions, ListActionsResponse200), actions
    assert {it.effect for it in actions.items} == set(Effect), actions
    say(f"the list of {len(actions.items)} actions has every effect")
    body = UserSearchInput(search='status eq "ACTIVE"', limit=5)
    rehearsed = user_search.sync(connection, client=client, body=body, dry_run=True)
    assert isinstance(rehearsed, Rehearsed) and rehearsed.requests, rehearsed
    say("a dry run of user.search answers the requests that it would send")
    found = user_search.sync(connection, client=client, body=body)
    assert found and not isinstance(found, Rehearsed | Problem), found
    output = found.output
    assert isinstance(output, UserSearchOutput) and len(output.items) == 5, output
    assert all(isinstance(it["id"], str) for it in output.items), output
    say("user.search answers an output of its own type, with five users")


def synchronize(client: Client, connection: str) -> None:
    sync = start_sync.sync(connection, client=client, body=NewSync())
    until = time.monotonic() + PATIENCE
    while isinstance(sync, Sync) and sync.status in (RunStatus.RUNNING, RunStatus.WAITING):
        assert time.monotonic() < until, f"not over after {PATIENCE} s: {sync}"
        time.sleep(0.1)
        sync = get_sync.sync(connection, sync.id, client=client)
    assert isinstance(sync, Sync) and sync.status == RunStatus.SUCCEEDED, sync
    assert sync.finished_at and sync.finished_at >= sync.started_at, sync
    say("a sync is started, and read until it has succeeded")
    people = list_people.sync(connection, client=client, limit=10)
    assert isinstance(people, ListPeopleResponse200), people
    assert len(people.items) == 10 and people.next_cursor, people
    further = list_people.sync(connection, client=client, limit=10, cursor=people.next_cursor)
    assert isinstance(further, ListPeopleResponse200) and further.items, further
    assert further.items[0].id not in [it.id for it in people.items], further
    say("people are read, page by page")


def check_problems(client: Client, connection: str) -> None:
    missing = get_connection.sync("conn_unknown", client=client)
    assert isinstance(missing, Problem), missing
    assert (missing.status, missing.type_) == (404, "urn:okta-connector:problem:not-found"), missing
    say("an unknown connection is answered by a Problem with status 404")
    refused = user_search.sync(connection, client=client, body=UserSearchInput(search="x", limit=0))
    assert isinstance(refused, Problem), refused
    assert (refused.status, refused.type_) == (422, "urn:okta-connector:problem:invalid-body"), refused
    assert refused.errors and refused.errors[0].pointer == "/limit", refused
    say("a wrong body is answered by a Problem with status 422 and a pointer to the error")


def main() -> None:
    service, machine_token, tenant, token = sys.argv[1:]
    import_everything()
    with Client(base_url=service, token=machine_token, raise_on_unexpected_status=True) as client:
        connection = connect(client, tenant, token)
        act(client, connection)
        synchronize(client, connection)
        check_problems(client, connection)


if __name__ == "__main__":
    main()
