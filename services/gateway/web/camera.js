// A photo from the camera: a dialog with what it sees, or the phone's own camera.

import { byId, tell } from "./dom.js";
import { Photo } from "./photo.js";

/** True where a page may use the camera: over HTTPS or on this machine, and there is one to ask. */
export const hasCamera = Boolean(navigator.mediaDevices?.getUserMedia);

/** Opens the camera; the photo that was taken, or null when the user closes it. */
export async function takePhoto() {
  const dialog = byId("camera");
  const video = byId("video");
  const shutter = byId("shutter");
  tell(byId("camera-note"), "");
  shutter.disabled = true;
  dialog.showModal();
  const closed = new Promise((resolve) =>
    dialog.addEventListener("close", () => resolve(null), { once: true }),
  );
  const stream = await navigator.mediaDevices
    .getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } })
    .catch((error) => {
      console.warn("camera:", error);
      tell(
        byId("camera-note"),
        "The camera can’t be used. Allow it for this page in the browser, or choose a file instead.",
        { error: true },
      );
      return null;
    });
  if (!stream) return closed;
  try {
    video.srcObject = stream;
    await video.play();
    shutter.disabled = false;
    shutter.focus();
    const taken = new Promise((resolve) => (shutter.onclick = () => resolve(snapshot(video))));
    return await Promise.race([taken, closed]);
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
    dialog.close();
  }
}

byId("camera-close").addEventListener("click", () => byId("camera").close());

async function snapshot(video) {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  return new Photo(blob, canvas.width, canvas.height);
}
