// Names of the SDK, declared again by the page: it wins, in its own scripts.
const MESIBO_APP_ID = "theirs";
const MESIBO_STATUS_ONLINE = 77;
let MesiboMessage = null;
var MESIBO_MSGSTATUS_SENT = "sent";
var theFirst = Mesibo;
function MesiboCall() {
  return "theirs";
}
function MesiboFile() {}
class MesiboNotify {}
class MesiboListener {}

function clash() {
  return {
    app: MESIBO_APP_ID,
    online: MESIBO_STATUS_ONLINE,
    call: MesiboCall(),
    message: MesiboMessage,
    exports,
    twice: theFirst === Mesibo,
  };
}
