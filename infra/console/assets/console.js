// What pages do by themselves: copy, search while somebody types, and fetch what is new. Without it everything still works.
"use strict";

// A button beside a text copies it.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
  button.textContent = "Copied";
});

// Puts a part of a page, made by the server out of escaped text, in the place of what was there.
async function replace(place, url) {
  const response = await fetch(url, { headers: { accept: "text/html" } });
  if (!response.ok) return null;
  if (response.status === 204) return response;
  const parsed = new DOMParser().parseFromString(await response.text(), "text/html");
  place.replaceChildren(...parsed.body.childNodes);
  return response;
}

// A search field shows what is found as somebody types; only the last answer counts.
for (const field of document.querySelectorAll("input[data-found]")) {
  const place = document.getElementById(field.dataset.found);
  let last = 0;
  field.addEventListener("input", () => {
    const mine = ++last;
    setTimeout(() => {
      if (mine === last) replace(place, `${field.dataset.from}?q=${encodeURIComponent(field.value)}`);
    }, 120);
  });
}

// A chart opens at the person it is drawn around, however many managers stand above.
for (const chart of document.querySelectorAll(".chart")) {
  const self = chart.querySelector(".self");
  if (!self) continue;
  const [box, own] = [chart.getBoundingClientRect(), self.getBoundingClientRect()];
  chart.scrollTop = own.top - box.top - (box.height - own.height) / 2;
}

// A live part is fetched anew until the server says that it is over; then what depends on it is fetched once.
for (const place of document.querySelectorAll("[data-live]")) {
  const look = async () => {
    const response = await replace(place, place.dataset.live).catch(() => null);
    if (response && response.headers.get("x-over") === "true") {
      const then = document.getElementById(place.dataset.then);
      if (then) replace(then, then.dataset.from);
      return;
    }
    place.dataset.live = (response && response.headers.get("x-live")) || place.dataset.live;
    setTimeout(look, Number(place.dataset.every || 1000));
  };
  setTimeout(look, Number(place.dataset.every || 1000));
}
