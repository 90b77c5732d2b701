// Makes names.json from the text of the client API's specification:
//
//   node tests/e2e/coverage/names-of-spec.js path/to/client-api.md
//
// Relies on the shape of its tables: which section is about whom, and in which column the names
// stand, is said below. Promises every name of sections 1 to 4 once, in the order of the text, and
// every rule of the sections that hold rules. Abbreviated cells are written out in `WRITTEN_OUT`.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const text = readFileSync(process.argv[2], "utf8");

/** Cells that name several things in short. */
const WRITTEN_OUT = {
  "getMessageCount(threadId, status), getTotal/Sent/Received/Unread/FailedMessageCount()":
    "getMessageCount getTotalMessageCount getSentMessageCount getReceivedMessageCount getUnreadMessageCount getFailedMessageCount",
  "getMessageCount(status), getTotal/Sent/Received/Unread/FailedMessageCount()":
    "getMessageCount getTotalMessageCount getSentMessageCount getReceivedMessageCount getUnreadMessageCount getFailedMessageCount",
  "setAge(s), setAgeAfterDelivered(s), setAgeAfterRead(s) and getters":
    "setAge setAgeAfterDelivered setAgeAfterRead getAge getAgeAfterDelivered getAgeAfterRead",
  "setMessageRetractionInterval(sec) / get...":
    "setMessageRetractionInterval getMessageRetractionInterval",
  "setString / setInt / setLong / setDouble / setBoolean (name, value), getString ... (name, default)":
    "setString setInt setLong setDouble setBoolean getString getInt getLong getDouble getBoolean",
  "setString/Int/Long/Double/Boolean(name, value, level), setImage(x, index, level), setImageUrl(url, index, level)":
    "setString setInt setLong setDouble setBoolean setImage setImageUrl",
  "mute(audio, video, enable)": "mute",
  "Mesibo_onStartFileTransfer / onStopFileTransfer":
    "Mesibo_onStartFileTransfer Mesibo_onStopFileTransfer",
  "Mesibo_onGroupMembersJoined / MembersRemoved":
    "Mesibo_onGroupMembersJoined Mesibo_onGroupMembersRemoved",
  "Mesibo_onProfileSearchResults / SearchUpdate":
    "Mesibo_onProfileSearchResults Mesibo_onProfileSearchUpdate",
  "Mesibo_OnParticipantUpdated / OnParticipantsUpdated":
    "Mesibo_OnParticipantUpdated Mesibo_OnParticipantsUpdated",
  "latitude, longitude": "latitude longitude",
  "readCount, and any other property": "",
  "on_read (function)": "",
  "on_sync (function)": "",
  "on_stream, on_status, on_attached": "",
  "total size": "",
  "invite links": "",
  note: "",
  "isUiThread, runInThread, queueInThread, file-system helpers of native platforms": "",
  "setSimulcast / resolution choice": "",
  // Native only: never called.
  Mesibo_onServer: "",
};

/** Who a table is about: section, owner, kind of its names, column they stand in. */
const TABLES = [
  ["3.1", "Mesibo", "method"],
  ["3.2", "MesiboProfile", "method"],
  ["3.3.2", "MesiboGroupProfile", "method"],
  ["3.3.4", "MesiboGroupMember", "method"],
  ["3.4", "MesiboSelfProfile", "method"],
  ["3.5", "MesiboProfileImage", "method"],
  ["3.6.1", "MesiboMessageProperties", "field"],
  ["3.6.2", "MesiboMessageProperties", "method"],
  ["3.6.3", "MesiboMessageProperties", "method"],
  ["3.7.1", "MesiboMessage", "field"],
  ["3.7.2", "MesiboMessage", "method"],
  ["3.7.4", "MesiboMessage", "method"],
  ["3.7.5", "MesiboMessage", "method"],
  ["3.7.6", "MesiboMessage", "method"],
  ["3.8.1", "MesiboPresence", "method"],
  ["3.9.2", "MesiboReadSession", "method"],
  ["3.10", "MesiboDateTime", "method"],
  ["3.11.1", "MesiboFile", "field"],
  ["3.12.1", "MesiboContactSynchronizer", "method"],
  ["3.12.5", "MesiboHttp", "method"],
  ["3.13", "Mesibo", "method"],
  ["3.14.1", "MesiboGroupCall", "method"],
  ["3.15.1", "MesiboParticipant", "method"],
  ["3.15.2", "MesiboParticipant", "method"],
  ["3.15.3", "MesiboParticipant", "method"],
  ["3.16", "", "method"],
  ["4.1", "", "callback"],
  ["4.2", "", "callback"],
  ["4.3", "", "callback"],
  ["4.4", "", "callback"],
];
/** Names that the tables call methods and that are data, or the reverse. */
const METHODS = ["loadImageFromCache"];
const FIELDS = {
  MesiboGroupMember: ["member", "profile", "address"],
  MesiboPresence: ["presence", "value", "interval"],
};
const STATICS = {
  MesiboReadSession: ["getSession", "endAllSessions"],
  MesiboContactSynchronizer: ["enableAutoSync", "isAutoSyncEnabled"],
  MesiboDateTime: [
    "setDefaultRelativeDateText",
    "setDefaultDateFormat",
    "setMonthName",
    "isMonthFirstDateFormat",
    "is24HourTimeFormat",
  ],
  Mesibo: ["getInstance", "printVersion", "initServiceWorker"],
};

// What stands in sentences, word by word: whom it is about, and a beginning of the sentence.
const SENTENCES = [
  ["3.7.1", "MesiboMessage", "field", "Behaviour fields, defaults in brackets: ", " Names: I;"],
  ["3.8.2", "MesiboPresence", "method", "", " (I,C)"],
  ["3.10", "MesiboDateTime", "field", "Fields: ", " (I). Page"],
  ["3.11.4", "MesiboFileTransfer", "field", "Fields ", ". Methods"],
  ["3.11.4", "MesiboFileTransfer", "method", ". Methods ", " (I)."],
  ["3.12.2", "MesiboProfileSearch", "method", "", ". Callbacks"],
  ["3.12.3", "MesiboLocation", "field", "MesiboLocation: ", ", getTimestamp()"],
  ["3.12.3", "MesiboLocation", "method", "flags, ", ". Manager:"],
  ["3.12.3", "MesiboLocationManager", "method", "Manager: ", ". Config:"],
  ["3.12.3", "MesiboLocationConfig", "field", "Config: ", ". Per profile:"],
  ["3.12.3", "MesiboProfileLocation", "method", "Per profile: ", ". (I) No"],
  ["3.12.4", "MesiboEndToEndEncryption", "method", "`mesibo.e2ee()`: ", ". Per profile"],
];
const IN_SENTENCES = {
  "add/removeListener": "addListener, removeListener",
  "start/stopDistanceTracking": "startDistanceTracking, stopDistanceTracking",
  "getPeerCertificateOrg/CommonName": "getPeerCertificateOrg, getPeerCertificateCommonName",
  "saveImageUrl/saveVideoUrl/saveAudioUrl/saveAllFileUrl":
    "saveImageUrl, saveVideoUrl, saveAudioUrl, saveAllFileUrl",
};

/** `a(b(c), d) / e[, f]` without what is in brackets. */
function withoutBrackets(cell) {
  let depth = 0;
  let kept = "";
  for (const letter of cell) {
    if ("([".includes(letter)) depth += 1;
    if (depth === 0) kept += letter;
    if (")]".includes(letter)) depth -= 1;
  }
  return kept;
}

const words = (cell) => withoutBrackets(cell).match(/[A-Za-z_.][\w.]*/g) ?? [];

/** Sections with their lines, in order: `## 2.`, `### 2.3`, `#### 2.3.1`. */
function sections() {
  const all = [];
  let current = { id: "", title: "", lines: [] };
  for (const line of text.split("\n")) {
    const head = /^#{2,4} (\d+(?:\.\d+)*)\.? (.*)/.exec(line);
    if (head) all.push((current = { id: head[1], title: head[2], lines: [] }));
    else current.lines.push(line);
  }
  return all;
}

const cellsOf = (line) =>
  line
    .replace(/^\|\s?|\s?\|\s*$/g, "")
    .split(/\s?\|\s?/)
    .map((cell) => cell.trim());

/** Rows of all tables of a section: `{column name: cell}`. */
function rowsOf(section) {
  const rows = [];
  let head = null;
  for (const line of section.lines) {
    if (!line.startsWith("|")) {
      head = null;
    } else if (!head) {
      head = cellsOf(line);
    } else if (!/^\|[\s:|-]+$/.test(line)) {
      rows.push({ head, cells: cellsOf(line) });
    }
  }
  return rows;
}

const names = [];
const known = new Set();
function add(section, kind, owner, name, mark, more = {}) {
  const whole = owner ? `${owner}.${name}` : name;
  const key = kind === "static" ? `static ${whole}` : whole;
  if (known.has(key)) return;
  known.add(key);
  names.push({ section, kind, ...(owner && { owner }), name, mark, ...more });
}
const markOf = ({ head, cells }) => {
  const at = head.lastIndexOf("Mark");
  return at < 0 ? "" : (cells[at] ?? "").replace(/ \(.*/, "");
};

function constant(section, name, value, source) {
  const mark = (source ?? "").replace(/[ (].*/, "");
  add(section, "constant", "", name, mark || "I", { value });
}

/** Tables of constants: pairs of columns under a prefix, or full names divided by slashes. */
function constants(section) {
  const prefix = /`(MESIBO\w*_)\*`/.exec(section.title + " " + section.lines.join(" "))?.[1];
  for (const { head, cells } of rowsOf(section)) {
    for (let at = 0; at < head.length; at += 1) {
      if (head[at] !== "Name" || !cells[at]) continue;
      const source = cells[head.indexOf("Source", at)];
      const whole = cells[at];
      if (/^AUDIO_INBUILT/.test(whole)) continue;
      if (!whole.startsWith("MESIBO")) {
        constant(section.id, prefix + whole, Number(cells[at + 1]), source);
        continue;
      }
      if (whole.startsWith("MESIBO_GROUPERR_*")) {
        const same = names.filter(({ name }) => name.startsWith("MESIBO_GROUPERROR_"));
        for (const { name, value } of same) {
          const mark = name.endsWith("_BADPIN") ? "C" : "G";
          constant(section.id, name.replace("GROUPERROR", "GROUPERR"), value, mark);
        }
        continue;
      }
      const [first, ...others] = whole.split(/ \/ /);
      const stem = /^MESIBO_GROUPCALLFLAG_/.exec(first)?.[0] ?? first.replace(/[^_]+$/, "");
      const all = [first, ...others.map((name) => stem + name.replace(/^_/, ""))];
      const values = cells[at + 1].split(/ \/ /);
      all.forEach((name, i) => constant(section.id, name, Number(values[i]), source));
    }
  }
}

/** Rows of a table whose first column names things. */
function table(section, owner, kind) {
  let admin = "";
  for (const row of rowsOf(section)) {
    const { head, cells } = row;
    const column = ["Method", "Member", "Field", "Name", "Predicate", "Object.method"];
    const at = head.findIndex((name) => column.some((word) => name.startsWith(word)));
    if (at < 0) continue;
    const cell = cells[at];
    const mark = markOf(row);
    const found = WRITTEN_OUT[cell] !== undefined ? WRITTEN_OUT[cell].split(" ") : words(cell);
    let isStatic = false;
    let isField = false;
    for (let word of found) {
      if (!word || ["new", "and", "static", "fields", "statics", "of"].includes(word)) {
        isStatic ||= word === "static";
        isField ||= word === "fields";
        continue;
      }
      let whose = owner;
      const [before, after] = word.split(".");
      if (after !== undefined) {
        if (before) whose = admin = before;
        else whose = admin ||= "MesiboParticipantAdmin";
        word = after;
        isStatic ||= before === "Mesibo" && /^(getInstance|version|printVersion)$/.test(word);
      } else if (section.id === "3.16") {
        whose = admin;
      }
      if (!word || /^(Mesibo|MesiboContactSynchronizer)$/.test(word)) continue;
      if (owner === "MesiboHttp" && word === "createhttpRequest") continue;
      if (word === "profile" && section.id.startsWith("3.1.")) continue;
      const data = isField || FIELDS[whose]?.includes(word);
      const named = METHODS.includes(word) ? "method" : data ? "field" : kind;
      const method = STATICS[whose]?.includes(word) || isStatic ? "static" : named;
      if (method === "static" && word === "version") {
        add(section.id, "method", whose, "version", mark);
      }
      add(section.id, method, whose, word, mark);
    }
  }
}

function sentence(section, owner, kind, begin, end) {
  let line = section.lines.find((line) => line.includes(end) && line.includes(begin));
  if (!line) throw new Error(`${section.id}: no sentence with "${begin}" and "${end}"`);
  line = line.slice(line.indexOf(begin) + begin.length);
  line = line.slice(0, line.indexOf(end));
  if (owner === "MesiboMessage") line = line.split(" Static `")[0];
  for (const [short, long] of Object.entries(IN_SENTENCES)) line = line.replace(short, long);
  const parts = withoutBrackets(line.replaceAll(" -> ok", "")).split(/[,.]/);
  for (const part of parts) {
    const name = /^\s*([A-Za-z_]\w*)\s*$/.exec(part)?.[1];
    if (name) add(section.id, kind, owner, name, "I");
  }
}

for (const section of sections()) {
  const { id } = section;
  if (id === "1.3") {
    for (const row of rowsOf(section)) {
      const [current, synonyms, where] = row.cells;
      const owner =
        {
          "Mesibo / MesiboProfile": "Mesibo",
          "Mesibo / profile": "MesiboProfile",
          "group call": "MesiboGroupCall",
          participant: "MesiboParticipant",
          profile: "MesiboProfile",
          "self profile": "MesiboSelfProfile",
          message: "MesiboMessageProperties",
        }[where] ?? "Mesibo";
      for (const part of withoutBrackets(synonyms).split(/,| \+ /)) {
        const name = /(?:static )?`?((?:\w+\.)?\w+)/.exec(part.trim())?.[1];
        if (!name || /^(same|typo|historic|near|on|in|JavaScript)$/.test(name)) continue;
        const isStatic = part.includes("static") || name.includes(".");
        const [first, second] = name.split(".");
        const of = withoutBrackets(current).split(",")[0];
        if (second) add(id, "static", first, second, markOf(row), { of });
        else if (name === "setRoom") add("3.14.1", "method", "MesiboGroupCall", name, "C", { of });
        else add(id, isStatic ? "static" : "method", owner, name, markOf(row), { of });
      }
    }
  }
  if (id === "1.5") add(id, "function", "", "array2String", "A");
  if (id === "2.2") {
    for (const row of rowsOf(section)) {
      const [cell, constructible, notes] = row.cells;
      const absent = /\*\*not (as a global|defined)\*\*/.test(constructible);
      for (const name of words(cell)) {
        if (/^[a-z]/.test(name)) add(id, "function", "", name, markOf(row));
        else add(id, absent ? "no global" : "class", "", name, markOf(row));
      }
      if (notes.startsWith("statics") || cell === "MesiboReadSession") {
        const list = `${constructible} ${notes}`.split("statics")[1] ?? "";
        const statics = [...list.matchAll(/`(\w+)(?:\(\w*\))?`/g)];
        for (const [, name] of statics) add(id, "static", cell, name, markOf(row));
      }
    }
  }
  if (id.startsWith("2.3")) constants(section);
  if (id === "3.3.1") {
    const kinds = {
      settings: "MesiboGroupSettings",
      permissions: "MesiboMemberPermissions",
      pin: "MesiboGroupPin",
    };
    for (const { cells } of rowsOf(section)) {
      for (const name of words(cells[1])) add(id, "field", kinds[cells[0]], name, "I,C");
    }
  }
  for (const [at, owner, kind] of TABLES) {
    if (id === at || (["3.1", "3.2"].includes(at) && id.startsWith(`${at}.`))) {
      table(section, owner, kind);
    }
  }
  for (const [at, ...rest] of SENTENCES) if (at === id) sentence(section, ...rest);
  if (id === "3.7.1") {
    for (const name of ["setDefaults", "initDefaults"])
      add(id, "static", "MesiboMessage", name, "I");
  }
  if (id === "3.9.6") add(id, "field", "MesiboReadSession", "messages", "C");
  if (id === "3.9.2") add(id, "method", "MesiboReadSession", "getSession", "I");
  if (id === "3.12.2") add(id, "method", "MesiboProfileSearch", "setQuery", "U");
  if (id === "3.13") {
    for (const name of ["getActiveP2PCall", "getActiveGroupCall"])
      add(id, "method", "Mesibo", name, "I");
  }
  // Older spellings are one rule (1.4); those that the text itself uses are names of their own.
  if (id === "4.4") {
    for (const { section, kind, name } of [...names]) {
      const older = name.replace("Mesibo_on", "Mesibo_On");
      const used = kind === "callback" && section !== "4.4" && text.includes(`${older}(`);
      if (used) add("1.4", "callback", "", older, "C", { of: name });
    }
  }
}

/** Names that the specification does not have. */
const OURS = {
  Mesibo: ["setVideoSource", "getVideoSource", "switchCamera", "switchSource", "resumePlayback"],
  MesiboGroupCall: ["startRecording", "stopRecording", "isRecording", "canRecord", "getSpeakers"],
  MesiboParticipant: ["getStats"],
};
for (const [owner, own] of Object.entries(OURS)) {
  for (const name of own) add("ours", "method", owner, name, "G");
}
const TOLD = [
  "MesiboGroupcall_OnRecording",
  "MesiboGroupcall_OnSpeakers",
  "Mesibo_onPlaybackBlocked",
];
for (const name of TOLD) add("ours", "callback", "", name, "G");

/** Rules: rows of the tables of these sections, numbered from 1; paragraphs are one rule. */
const rules = [];
const short = (words) => {
  const plain = words.replace(/\*\*/g, "");
  return plain.length > 150 ? `${plain.slice(0, 147).replace(/\s+\S*$/, "")} …` : plain;
};
for (const section of sections()) {
  const { id } = section;
  if (!/^(0\.1|1\.[1245]|2\.1|5\.\d+|7)$/.test(id)) continue;
  const rows = rowsOf(section);
  rows.forEach(({ head, cells }, at) => {
    const number = head[0] === "#" && id === "7" ? cells[0] : `${id}.${at + 1}`;
    if (id === "7") rules.push({ rule: number, text: short(`${cells[1]}: ${cells[3]}`) });
    else if (id === "0.1") rules.push({ rule: number, text: short(cells[1]) });
    else if (id === "1.5") rules.push({ rule: number, text: short(`${cells[1]}: ${cells[2]}`) });
    else if (id === "5.4") rules.push({ rule: number, text: short(cells[1]) });
    else
      rules.push({
        rule: number,
        text: short(
          head.length > 2 && id !== "1.1"
            ? `${cells[0]}: ${cells[1]}`
            : `${cells[0]}${id === "1.1" ? `: ${cells[3]}` : ""}`,
        ),
      });
  });
  const prose = section.lines.filter((line) => line.trim() && !line.startsWith("|"));
  const after = rows.length;
  if (id === "7" || id === "1.1") continue;
  prose.forEach((line, at) => rules.push({ rule: `${id}.${after + at + 1}`, text: short(line) }));
}

const file = join(import.meta.dirname, "names.json");
const listed = (list) => list.map((each) => `    ${JSON.stringify(each)}`).join(",\n");
writeFileSync(
  file,
  `{\n  "names": [\n${listed(names)}\n  ],\n  "rules": [\n${listed(rules)}\n  ]\n}\n`,
);
console.log(`${names.length} names and ${rules.length} rules in ${file}`);
