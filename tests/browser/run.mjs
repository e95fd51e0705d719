// The console in a real browser, in front of a simulated tenant: the main job, what pages do by themselves, and on every page
// three widths, both colour schemes and an accessibility check. Pictures for docs/guides/console.md are taken on the way.
//
//     node tests/browser/run.mjs [--pictures FOLDER]
//
// It needs Chromium (CHROMIUM names it, /usr/bin/chromium otherwise) and what `cargo build --workspace` makes.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const programs = process.env.PROGRAMS ?? path.join(root, "target/debug");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = process.argv[2] === "--pictures" ? process.argv[3] : null;
const WIDTHS = [360, 768, 1440];
const SCHEMES = ["light", "dark"];

const begun = [];

// Starts a program and gives its first lines.
async function start(lines, name, ...options) {
  const child = spawn(path.join(programs, name), options, { stdio: ["ignore", "pipe", "ignore"] });
  begun.push(child);
  const said = [];
  for await (const line of createInterface({ input: child.stdout })) if (said.push(line) === lines) return said;
  throw new Error(`${name} ended early: ${said}`);
}

async function fetched(url, body, method = body ? "POST" : "GET", authorization = null) {
  const headers = { "content-type": "application/json", ...(authorization && { authorization }) };
  const response = await fetch(url, { method, headers, body: body && JSON.stringify(body) });
  assert.ok(response.ok, `${method} ${url}: ${response.status}`);
  return response.status === 204 ? null : response.json();
}

function say(text) {
  console.log(`[${process.uptime().toFixed(1).padStart(6)} s] ${text}`);
}

// ---- What every page must keep ----

async function assertFits(page, url) {
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.equal(over, 0, `${url} scrolls sideways at ${width}`);
  }
}

async function assertAccessible(page, url) {
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    // The page's own policy runs no foreign script; the check comes in by the debugger.
    await page.evaluate(axe);
    const result = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const bad = result.violations.filter((it) => ["serious", "critical"].includes(it.impact));
    const told = bad.map((it) => `${it.id}: ${it.help}: ${it.nodes.map((node) => node.html).slice(0, 3).join(" | ")}`);
    assert.deepEqual(told, [], `${url} (${colorScheme})`);
  }
}

// Every page at every width in both schemes, for people to look at.
async function pictureAll(page, url) {
  if (!pictures) return;
  const folder = path.join(pictures, "pages");
  mkdirSync(folder, { recursive: true });
  const name = url.replace(/conn_\w+/, "").replace(/[^a-z._]+/gi, "-");
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    for (const width of WIDTHS) {
      await page.setViewportSize({ width, height: 900 });
      await page.screenshot({ path: path.join(folder, `${name}-${width}-${colorScheme}.png`) });
    }
  }
}

async function picture(page, name, width = 1100, height = 800) {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  for (const colorScheme of SCHEMES) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height });
    await page.screenshot({ path: path.join(pictures, `${name}-${colorScheme}.png`) });
  }
  await page.emulateMedia({ colorScheme: "light" });
}

// ---- The main job ----

// Two hundred people of the tenant report to one; gives who that is.
async function crowd(tenant) {
  const authorization = `SSWS ${tenant.api_token}`;
  const users = `${tenant.listening}/api/v1/users`;
  let last = [];
  for (let next = `${users}?limit=200`; next; ) {
    const response = await fetch(next, { headers: { authorization } });
    last = [...last, ...(await response.json())].slice(-201);
    next = response.headers.get("link")?.match(/<([^>]+)>; rel="next"/)?.[1];
  }
  const [boss, ...reports] = last;
  for (const { id } of reports) await fetched(`${users}/${id}`, { profile: { managerId: boss.profile.login } }, "POST", authorization);
  return { ...boss, reports: reports.length };
}

// Thirty managers, each below the next; gives who stands below all of them.
async function ladder(tenant) {
  const authorization = `SSWS ${tenant.api_token}`;
  const users = `${tenant.listening}/api/v1/users`;
  const response = await fetch(`${users}?limit=40`, { headers: { authorization } });
  const steps = (await response.json()).slice(5, 36);
  for (const [at, { id }] of steps.slice(0, -1).entries()) {
    const profile = { managerId: steps[at + 1].profile.login };
    await fetched(`${users}/${id}`, { profile }, "POST", authorization);
  }
  return steps[0];
}

// Somebody whose profile is full of markup, of right-to-left text and of fields without end.
async function odd(tenant) {
  const long = "\u202eال".repeat(1_460);
  const mark = "<img src=x onerror=alert(1)>\"'>";
  const profile = { login: "mark.up@acme.example", email: "mark.up@acme.example", firstName: mark, lastName: "\u202eאב",
    title: long, department: "W".repeat(10_000), city: mark, costCenter: long };
  const users = `${tenant.listening}/api/v1/users?activate=true`;
  return fetched(users, { profile }, "POST", `SSWS ${tenant.api_token}`);
}

async function connect(page, tenant) {
  await page.goto("/connections/new");
  await page.getByLabel("Name", { exact: true }).fill("Acme production");
  await page.getByLabel(/What may be done/).fill("all");
  await page.getByRole("button", { name: "Connect" }).click();
  const keyUrl = await page.locator("#key-url").textContent();
  assert.match(keyUrl, /\/v1\/connections\/conn_[0-9a-f]+\/jwks\.json$/);
  await picture(page, "connect");
  const verify = async () => {
    await page.getByLabel("The tenant's address").fill(tenant.listening);
    await page.getByLabel("Client ID").fill(tenant.client_id);
    await page.getByRole("button", { name: "Verify" }).click();
  };
  await verify();
  const trouble = page.getByRole("alert");
  await trouble.waitFor();
  assert.ok(await trouble.locator(".fix").count(), "a failed check has its fix");
  say("a key that Okta does not know yet is explained");
  await fetched(`${tenant.listening}/_sim/app`, { jwks_uri: keyUrl }, "PATCH");
  await verify();
  await page.getByText("Integration setup complete").waitFor();
  say("connected by public key URL");
  return new URL(page.url()).pathname.replace(/\/auth$/, "");
}

async function main(page, tenant) {
  const connection = await connect(page, tenant);
  await page.getByRole("button", { name: "Test Integration" }).click();
  await page.getByText("Integration test successful").waitFor();
  await picture(page, "test");
  say("tested");

  await page.goto(`${connection}/syncs`);
  // The page is not loaded again: the part that is live says by itself that it is over.
  await page.locator("[data-live] .badge.succeeded").waitFor({ timeout: 120_000 });
  await page.goto(`${connection}/syncs`);
  await picture(page, "sync");
  say("a sync was watched to its end");

  await page.goto(`${connection}/people`);
  await page.getByLabel("Name, login or email").pressSequentially("carlos rossi");
  await page.locator("#found").getByText("carlos.rossi@acme.example", { exact: true }).waitFor();
  await page.waitForFunction(() => document.querySelectorAll("#found tbody tr").length < 20);
  await picture(page, "people");
  await page.locator("#found").getByRole("link", { name: "Carlos Rossi", exact: true }).first().click();
  await page.locator(".chart .self").waitFor();
  await picture(page, "person");
  const person = new URL(page.url()).pathname;
  say("a person was found and the chart drawn");

  await page.goto(`${connection}/actions/user.suspend`);
  await page.locator("input[name=user]").fill("carlos.rossi@acme.example");
  await page.getByRole("button", { name: "Only show what it would send" }).click();
  await page.getByText("/lifecycle/suspend").waitFor();
  await page.getByRole("button", { name: "Run" }).click();
  await page.getByText('"status": "SUSPENDED"').waitFor();
  await picture(page, "action");
  say("an action was rehearsed and run");

  await page.goto(`${connection}/actions/user.reset_password`);
  await page.locator("input[name=user]").fill("mei.wojcik@acme.example");
  await page.getByLabel(/^send email/).selectOption("false");
  await page.getByRole("button", { name: "Run" }).click();
  const confirmed = page.getByRole("button", { name: /mei.wojcik@acme.example/ });
  if (await confirmed.count()) await confirmed.click();
  const secret = await page.locator("#reset_password_url").textContent();
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await page.getByRole("button", { name: "Copied" }).waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), secret);
  await page.goto(`${connection}/actions/user.reset_password`);
  assert.ok(!(await page.content()).includes(secret), "a secret is shown once");
  say("a secret that an action tells was shown once, and copied");

  await page.goto(`${connection}/events`);
  await page.getByText("Add a trigger").click();
  await page.getByLabel("Name", { exact: true }).fill("Sign-ins");
  await page.getByLabel(/Event types/).fill("user.session.start");
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.locator("td", { hasText: "Sign-ins" }).first().waitFor();
  await fetched(`${tenant.listening}/_sim/events`, { count: 1, type: "user.session.start" });
  await page.locator("[data-live] summary", { hasText: "com.okta.user.session.start" }).first().waitFor({ timeout: 60_000 });
  await picture(page, "events");
  say("an event arrived in real time");
  return [connection, person];
}

// ---- The chart of a manager of many ----

async function chartOfMany(page, connection, boss) {
  await page.goto(`${connection}/people/${boss.id}`);
  await page.getByText(`${boss.reports} reports`).first().waitFor();
  const wrong = await page.evaluate((reports) => {
    const boxes = [...document.querySelectorAll(".chart a")].map((node) => ({
      name: node.querySelector("title").textContent,
      shown: node.querySelector("text").textContent,
      box: node.querySelector("rect").getBoundingClientRect(),
      text: node.querySelector("text").getBoundingClientRect(),
    }));
    const overlap = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    const wrong = boxes.filter(({ box, text }) => text.left < box.left || text.right > box.right || text.height < 10).map((it) => it.name);
    boxes.forEach((a, at) => boxes.slice(at + 1).forEach((b) => overlap(a.box, b.box) && wrong.push(`${a.name} over ${b.name}`)));
    return boxes.length <= reports ? ["too few"] : wrong;
  }, boss.reports);
  assert.deepEqual(wrong, [], "every name is inside its box, and no box over another");
  await picture(page, "chart");
  say(`the chart of a manager of ${boss.reports} can be read`);
}

async function chartBelowMany(page, connection, lowest) {
  await page.setViewportSize({ width: 1100, height: 700 });
  await page.goto(`${connection}/people/${lowest.id}`);
  await page.locator(".chart .self").waitFor();
  const inView = await page.evaluate(() => {
    const [chart, self] = [".chart", ".self"].map((name) => document.querySelector(name).getBoundingClientRect());
    return document.querySelectorAll(".chart rect").length > 30 && self.top >= chart.top && self.bottom <= chart.bottom;
  });
  assert.ok(inView, "a chart opens at its person, however many stand above");
  say("the chart of somebody below 30 managers opens at that person");
}

// ---- What a sync asks about ----

async function question(page, tenant, connection) {
  await fetched(`${tenant.listening}/_sim/app`, { role: null }, "PATCH");
  await page.goto(`${connection}/syncs`);
  await page.getByRole("button", { name: "Start a sync" }).click();
  await page.locator("[data-live] .badge.needs_confirmation").waitFor({ timeout: 60_000 });
  // The history follows without a reload.
  const newest = page.locator("#history tbody tr").first();
  await newest.locator(".badge.needs_confirmation").waitFor();
  await newest.getByRole("link", { name: "What would be removed" }).click();
  await page.getByRole("button", { name: "Remove all of it" }).waitFor();
  await picture(page, "question");
  say("a sync that would remove too much asks first");
  return new URL(page.url()).pathname;
}

// ---- The keyboard alone ----

async function byKeyboard(page, connection) {
  await page.goto(connection);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.keyboard.press("Enter");
  assert.equal(await page.evaluate(() => document.activeElement.id), "main");
  say("the keyboard leads past the navigation");
}

// A page of another port of this machine, in the browser that opened the console, reads nothing and changes nothing.
async function attacked(context, origins) {
  const page = await context.newPage();
  const server = createServer((_, response) => response.end("<!doctype html><title>elsewhere</title>"));
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  const readable = await page.evaluate(async (origins) => {
    const learned = [];
    for (const origin of origins) {
      for (const where of ["/", "/v1/me", "/v1/connections", "/connections"]) {
        const read = await fetch(origin + where, { credentials: "include" }).then((it) => it.text(), () => null);
        if (read !== null) learned.push(origin + where);
        const form = { method: "POST", mode: "no-cors", credentials: "include", body: new URLSearchParams({ name: "Forged", way: "private_key_jwt" }) };
        await fetch(origin + where, form).catch(() => null);
      }
    }
    return learned;
  }, origins);
  assert.deepEqual(readable, [], "a page of another port reads nothing");
  for (const [origin, where] of [[origins[0], "/v1/connections"], [origins[1], "/connections"]]) {
    assert.equal((await fetch(origin + where)).status, 401, "a program without the token is refused");
  }
  await page.close();
  server.close();
  say("a page of another port of this machine reads and changes nothing");
}

async function run() {
  const folder = mkdtempSync(path.join(tmpdir(), "console-"));
  const [told] = await start(1, "okta-simulator", "--port", "0", "--users", "600", "--groups", "12", "--apps", "6", "--rate-limit", "100000");
  const tenant = JSON.parse(told);
  const boss = await crowd(tenant);
  const lowest = await ladder(tenant);
  const marked = await odd(tenant);
  const serve = ["serve", "--port", "0", "--data", folder, "--allow-okta-origin", tenant.listening];
  const [api, link] = (await start(2, "okta-connector", ...serve)).map((line) => line.match(/http:\S+/)[0]);
  const baseURL = new URL(link).origin;
  const authorization = `Bearer ${readFileSync(path.join(folder, "token"), "utf8")}`;
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  try {
    const context = await browser.newContext({ baseURL, permissions: ["clipboard-read", "clipboard-write"] });
    const page = await context.newPage();
    page.setDefaultTimeout(20_000);
    const complaints = [];
    page.on("console", (message) => message.type() === "error" && complaints.push(`${page.url()}: ${message.text()}`));
    page.on("pageerror", (error) => complaints.push(`${page.url()}: ${error.message}`));
    await page.goto(link);
    await attacked(context, [api, baseURL]);
    assert.deepEqual((await fetched(`${api}/v1/connections`, null, "GET", authorization)).items, []);
    const [connection, person] = await main(page, tenant);
    await chartOfMany(page, connection, boss);
    await chartBelowMany(page, connection, lowest);
    const asked = await question(page, tenant, connection);
    await byKeyboard(page, connection);
    await picture(await (await page.goto("/connections"), page), "connections");
    const parts = ["", "/syncs", "/people", "/findings", "/groups", "/apps", "/locations", "/actions", "/actions/user.create", "/events"];
    const first = async (list) => (await fetched(`${api}/v1${connection}/${list}?limit=1`, null, "GET", authorization)).items[0].id;
    const pages = ["/connections", "/connections/new", "/connections/new?way=api_token", "/connections/new?way=authorization_code",
      "/audit", person, asked, `${connection}/people/${boss.id}`, `${connection}/people/${marked.id}`, `${connection}/people?q=mark.up`, ...parts.map((part) => connection + part)];
    for (const list of ["groups", "apps", "locations"]) pages.push(`${connection}/${list}/${await first(list)}`);
    for (const url of pages) {
      await page.goto(url);
      await assertFits(page, url);
      await assertAccessible(page, url);
      await pictureAll(page, url);
    }
    // What was refused on purpose is an error to the browser.
    const expected = /status of 4\d\d/;
    assert.deepEqual(complaints.filter((it) => !expected.test(it)), [], "the browser complains of nothing");
    say(`${pages.length} pages at ${WIDTHS.join(", ")} pixels, light and dark: none scrolls sideways, nothing serious for a screen reader`);
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

try {
  await run();
} finally {
  for (const child of begun) child.kill();
}
