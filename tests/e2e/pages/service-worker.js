"use strict";
// What a page's own service worker has to say, nothing more.
importScripts("/mesibo.js");
Mesibo.initServiceWorker(caches, self);
