// The main job by the generated types and openapi-fetch; `run.py` generates them, starts the service, and runs this.
//
//     node generated/client.js SERVICE MACHINE_TOKEN TENANT TOKEN

import createClient from "openapi-fetch";
import type { components, paths } from "./generated/api.js";

declare const process: { argv: string[] };

type Schemas = components["schemas"];
type Client = ReturnType<typeof createClient<paths>>;

// Milliseconds that a sync may take.
const PATIENCE = 60_000;

function assert(holds: unknown, seen: unknown): asserts holds {
  if (!holds) throw new Error(`not expected: ${JSON.stringify(seen)}`);
}

function say(fact: string) {
  console.log(`TypeScript: ${fact}`);
}

async function connect(client: Client, tenant: string, token: string): Promise<string> {
  // Without schedules: nothing but this program starts a sync.
  const body = { name: "TypeScript", domain: tenant, auth: { type: "api_token", token }, sync: null } as const;
  const made = await client.POST("/v1/connections", { body });
  assert(made.data?.status === "Active", made);
  say("a connection by API token is made, and is active");
  const { id } = made.data;
  const tested = await client.POST("/v1/connections/{id}/test", { params: { path: { id } } });
  assert(tested.data?.status === "Active" && tested.data.checks.length, tested);
  say(`its test answers a TestReport with ${tested.data.checks.length} checks`);
  const listed = await client.GET("/v1/connections");
  assert(listed.data?.items.some((it) => it.id === id), listed);
  say("the list of connections has it");
  return id;
}

async function act(client: Client, id: string) {
  const actions = await client.GET("/v1/actions", { params: { query: { limit: 200 } } });
  assert(actions.data, actions);
  const effects = new Set<Schemas["Effect"]>(actions.data.items.map((it) => it.effect));
  assert(effects.has("read") && effects.has("write") && effects.has("destructive"), actions);
  say(`the list of ${actions.data.items.length} actions has every effect`);
  const body = { search: 'status eq "ACTIVE"', limit: 5 };
  const search = (dry_run: boolean) =>
    client.POST("/v1/connections/{id}/actions/user.search", { params: { path: { id }, query: { dry_run } }, body });
  const rehearsed = await search(true);
  assert(rehearsed.data && "requests" in rehearsed.data && rehearsed.data.requests.length, rehearsed);
  say("a dry run of user.search answers the requests that it would send");
  const found = await search(false);
  assert(found.data && "output" in found.data, found);
  const output: Schemas["user.search.output"] = found.data.output;
  assert(output.items.length === 5, found);
  say("user.search answers an output of its own type, with five users");
}

async function synchronize(client: Client, id: string) {
  const started = await client.POST("/v1/connections/{id}/syncs", { params: { path: { id } }, body: { mode: "full" } });
  assert(started.data, started);
  let sync: Schemas["Sync"] = started.data;
  const until = Date.now() + PATIENCE;
  while (sync.status === "running" || sync.status === "waiting") {
    assert(Date.now() < until, sync);
    await new Promise((done) => setTimeout(done, 100));
    const read = await client.GET("/v1/connections/{id}/syncs/{sync}", { params: { path: { id, sync: sync.id } } });
    assert(read.data, read);
    sync = read.data;
  }
  assert(sync.status === "succeeded", sync);
  say("a sync is started, and read until it has succeeded");
  const read = (cursor?: string) =>
    client.GET("/v1/connections/{id}/people", { params: { path: { id }, query: { limit: 10, cursor } } });
  // With `format` an answer is the text of a file.
  const people = (await read()).data;
  assert(typeof people === "object" && people.items.length === 10 && people.next_cursor, people);
  const further = (await read(people.next_cursor)).data;
  assert(typeof further === "object" && further.items[0], further);
  const [first] = further.items;
  assert(people.items.every((it) => it.id !== first?.id), further);
  say("people are read, page by page");
}

async function checkProblems(client: Client, id: string) {
  const missing = await client.GET("/v1/connections/{id}", { params: { path: { id: "conn_unknown" } } });
  const nothing: Schemas["Problem"] | undefined = missing.error;
  assert(nothing?.status === 404 && nothing.type === "urn:okta-connector:problem:not-found", missing);
  say("an unknown connection is answered by a Problem with status 404");
  const body = { search: "x", limit: 0 };
  const refused = await client.POST("/v1/connections/{id}/actions/user.search", { params: { path: { id } }, body });
  const problem: Schemas["Problem"] | undefined = refused.error;
  assert(problem?.status === 422 && problem.type === "urn:okta-connector:problem:invalid-body", refused);
  assert(problem.errors?.[0]?.pointer === "/limit", refused);
  say("a wrong body is answered by a Problem with status 422 and a pointer to the error");
}

const [service, machineToken, tenant, token] = process.argv.slice(2);
assert(service && machineToken && tenant && token, process.argv);
const client = createClient<paths>({ baseUrl: service, headers: { Authorization: `Bearer ${machineToken}` } });
const connection = await connect(client, tenant, token);
await act(client, connection);
await synchronize(client, connection);
await checkProblems(client, connection);
