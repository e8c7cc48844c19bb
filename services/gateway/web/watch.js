// The live list: follows the memory's edits, whoever makes them, and comes back after a break.

import { idOf, listConcepts, watch } from "./api.js";
import { byId } from "./dom.js";
import { store } from "./store.js";

const LONGEST_WAIT_S = 15;

/** Follows the memory for as long as the page is open, but not while it lies behind others. */
export async function follow() {
  let wait = 1;
  for (;;) {
    await until(() => !document.hidden, "visibilitychange");
    const why = await followOnce(() => (wait = 1)).catch((error) => error);
    tell("off", why);
    if (why?.code === 401) return; // the user would rather not sign in, and is not asked for ever
    if (document.hidden) continue;
    console.warn("watch:", why);
    await pause(wait);
    wait = Math.min(2 * wait, LONGEST_WAIT_S);
  }
}

/** Follows until the connection breaks, or is given up: a browser has few for all its tabs. */
async function followOnce(alive) {
  const giveUp = new AbortController();
  const hidden = () => document.hidden && giveUp.abort();
  document.addEventListener("visibilitychange", hidden);
  try {
    for await (const edit of watch(giveUp.signal)) {
      alive();
      await take(edit);
    }
  } finally {
    document.removeEventListener("visibilitychange", hidden);
  }
}

async function take(edit) {
  const id = edit.concept && idOf(edit.concept.name);
  if (edit.edit === "EDIT_NONE") {
    // The first message of every stream: whoever lists after it misses nothing.
    store.fill(await listConcepts());
    tell("on");
  } else if (edit.edit === "EDIT_REMEMBERED" || edit.edit === "EDIT_UPDATED") {
    store.put(edit.concept, { elsewhere: true });
  } else {
    store.drop(id, { elsewhere: true });
  }
}

function tell(state, why) {
  const place = byId("live");
  place.dataset.state = state;
  place.textContent = state === "on" ? "Live" : why?.code === 401 ? "Signed out" : "Reconnecting…";
  place.title = why?.message ?? "";
  if (!store.loaded && why)
    byId("concepts-note").textContent =
      why.code === 401 ? "Load the page again to sign in." : why.message;
}

/** Waits until something holds, which `event` of the document may have changed. */
async function until(holds, event) {
  while (!holds())
    await new Promise((resolve) => document.addEventListener(event, resolve, { once: true }));
}

/** Waits, but no longer than until there is reason to hope. */
function pause(seconds) {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    };
    const timer = setTimeout(done, 1000 * seconds);
    addEventListener("online", done);
  });
}
