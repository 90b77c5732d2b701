// Which camera comes next.

import { constants } from "./constants.js";
import { fieldOf } from "./hidden.js";

const {
  MESIBOCALL_VIDEOSOURCE_CAMERADEFAULT: CAMERA,
  MESIBOCALL_VIDEOSOURCE_CAMERAFRONT: FRONT,
  MESIBOCALL_VIDEOSOURCE_CAMERAREAR: REAR,
  MESIBOCALL_VIDEOSOURCE_SCREEN: SCREEN,
} = constants;

/** Which side of a phone the camera of this stream is on; undefined at a desk. */
export const facing = (stream) => stream?.getVideoTracks()[0]?.getSettings().facingMode;

/** A phone has two sides, a desk has cameras in a row. `change` takes source and index. */
export function nextCamera(owner, stream, source, change) {
  const side = facing(stream);
  if (side) return change(side === "environment" ? FRONT : REAR, 0);
  navigator.mediaDevices?.enumerateDevices().then((devices) => {
    const cameras = devices.filter(({ kind }) => kind === "videoinput").length;
    if (cameras < 2 && source !== SCREEN) return;
    const own = fieldOf(owner);
    own.camera = ((own.camera ?? 0) + 1) % cameras;
    change(CAMERA, own.camera);
  });
}
