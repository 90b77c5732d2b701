"use strict";
// A page that never starts: what it knows, it knows from the database.
{
  const settings = JSON.parse(decodeURIComponent(location.hash.slice(1)));
  const api = Mesibo.getInstance();
  api.setAppId(settings.app);
  api.setAccessToken(settings.token);
  api.setDatabase(settings.database, (ok) => {
    const known = api.getProfile(settings.peer, 0);
    const recent = api.getRecentProfiles().map((profile) => profile.getAddress());
    window.atOpen = { ok, name: known?.getName(), own: api.getAddress(), recent };
  });
}
