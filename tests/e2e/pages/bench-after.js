"use strict";
{
  const settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));
  const api = new Mesibo();
  api.getProfile("somebody", 0).newMessage();
  marks.usable = performance.now();
  api.setAppName(settings.app);
  api.setAccessToken(settings.token);
  api.setListener({
    Mesibo_onConnectionStatus(status) {
      if (status === MESIBO_STATUS_ONLINE) marks.online = performance.now();
    },
  });
  marks.start = performance.now();
  api.start();
}
