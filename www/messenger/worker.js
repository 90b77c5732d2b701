// Shows a notification when the server wakes this browser while no page is open.
importScripts("/mesibo.js");
Mesibo.initServiceWorker(caches, self);
