// Short messages at the foot of the page, with what can be done about them.

import { atEnd, byId, el } from "./dom.js";

const SECONDS = 8;
const SECONDS_WITH_ACTION = 20;

// The chat makes room for them: the newest answer stays in sight.
const room = () =>
  document.body.style.setProperty("--toasts", `${byId("toasts").offsetHeight}px`);
new ResizeObserver(() => atEnd(room)).observe(byId("toasts"));

/**
 * Shows a message until it has been read; it stays while it is pointed at or holds the focus.
 * @param {string} text
 * @param {object} options `error`; `focus`: move the focus to the first action; `actions`: pairs of
 *   a label and what it does.
 */
export function toast(text, { error = false, focus = false, actions = [] } = {}) {
  const message = el("div", { class: error ? "toast error" : "toast" }, el("span", { text }));
  const close = () => message.remove();
  for (const [label, run] of actions) {
    message.append(
      el("button", {
        type: "button",
        text: label,
        on: {
          click: () => {
            close();
            attempt(run);
          },
        },
      }),
    );
  }
  message.append(
    el("button", {
      type: "button",
      class: "quiet",
      "aria-label": "Dismiss",
      text: "✕",
      on: { click: close },
    }),
  );
  message.addEventListener("keydown", (event) => event.key === "Escape" && close());
  const place = byId("toasts");
  place.append(message);
  place.hidePopover(); // shown anew, it comes to lie over a dialog that was opened since
  place.showPopover();
  if (focus) message.querySelector("button").focus();
  expire(message, actions.length || error ? SECONDS_WITH_ACTION : SECONDS, close);
}

/** Does something, and tells in a toast when it fails, with a way to try again. */
export async function attempt(run) {
  try {
    return await run();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    console.warn(error);
    toast(error.message, { error: true, actions: [["Try again", run]] });
    return undefined;
  }
}

function expire(message, seconds, close) {
  let left = seconds;
  const clock = setInterval(() => {
    if (!message.isConnected) clearInterval(clock);
    else if (!message.matches(":hover, :focus-within")) left -= 1;
    if (left <= 0) close();
  }, 1000);
}
