// Starts the page, and follows the address: #/concepts, #/concepts/{id}, #/ask.

import { onUnauthorized } from "./api.js";
import { hasCamera } from "./camera.js";
import { startChat } from "./chat.js";
import { attach } from "./composer.js";
import { closeConcept, openConcept, openedConcept } from "./concept.js";
import { byId } from "./dom.js";
import { startGallery } from "./gallery.js";
import { choosePhotos, fromCamera, receivePhotos } from "./intake.js";
import * as remember from "./remember.js";
import { store } from "./store.js";
import { toast } from "./toast.js";
import { askForToken } from "./token.js";
import { follow } from "./watch.js";

const VIEWS = { concepts: "My concepts", ask: "Ask" };
const scrolled = {}; // how far down each view was left

function route() {
  if (location.hash === "#main") return; // the skip link
  const [, view = "concepts", id] = location.hash.split("/");
  if (id) {
    openPanel(id);
    return;
  }
  closeConcept();
  const shown = view in VIEWS ? view : "concepts";
  turnTo(shown);
  document.title = `${VIEWS[shown]} · Kith`;
  for (const name of Object.keys(VIEWS)) {
    if (name === shown) byId(`to-${name}`).setAttribute("aria-current", "page");
    else byId(`to-${name}`).removeAttribute("aria-current");
  }
}

function turnTo(view) {
  const left = document.body.dataset.view;
  if (view === left) return;
  scrolled[left] = scrollY;
  document.body.dataset.view = view;
  scrollTo(0, scrolled[view] ?? 0);
}

/** Opens a concept's panel over the view that is shown; the address names that view afterwards. */
function openPanel(id) {
  if (!store.loaded) {
    store.addEventListener("change", route, { once: true });
    return;
  }
  const leave = () => (location.hash = `#/${document.body.dataset.view}`);
  if (!store.get(id)) {
    toast("This concept is not there any more.");
    leave();
    return;
  }
  openConcept(id, {
    leave,
    addPhotos: async (concept) => remember.openRemember(await choosePhotos(), { concept }),
  });
}

/** Photos that were dropped or pasted go to whatever is in front. */
function receive(photos) {
  if (remember.isOpen()) remember.addShots(photos);
  else if (document.body.dataset.view === "ask" && !openedConcept()) attach(photos);
  else remember.openRemember(photos, { concept: openedConcept() });
}

byId("add").addEventListener("click", async () => remember.openRemember(await choosePhotos()));
byId("add-camera").addEventListener("click", async () => remember.openRemember(await fromCamera()));
// A phone without camera access for pages still has its own camera behind the file chooser.
if (!hasCamera && !matchMedia("(pointer: coarse)").matches) {
  for (const button of document.querySelectorAll(".camera-button")) button.hidden = true;
}

onUnauthorized(askForToken);
startGallery();
startChat();
receivePhotos(receive);
addEventListener("hashchange", route);
route();
follow();
