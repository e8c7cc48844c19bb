// Asks for a token where the server wants one.

import { byId } from "./dom.js";

const dialog = byId("token");

/** Lets the user enter a token; null when they would rather not. `refused`: one was not accepted. */
export function askForToken(refused) {
  byId("token-note").textContent = refused
    ? "The server does not know this token. Ask whoever runs it for a new one."
    : "This server keeps a memory for each of its users. Enter the token you were given; it is kept until this tab is closed.";
  byId("token-form").reset();
  dialog.showModal();
  return new Promise((resolve) => {
    const done = (token) => {
      dialog.onclose = null;
      dialog.close();
      resolve(token);
    };
    dialog.onclose = () => done(null);
    byId("token-cancel").onclick = () => done(null);
    byId("token-form").onsubmit = (event) => {
      event.preventDefault();
      done(byId("token-input").value.trim());
    };
  });
}
