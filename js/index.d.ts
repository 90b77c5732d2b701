// Types of the ES module: `const { Mesibo } = await init()`.
//
// Ids and addresses are lenient, as pages have always passed them: a number may be a numeric
// string, `null` means missing. A method that is missing here does not exist yet.

/** A number, or a string of digits. */
export type Numeric = number | string;
/** A DOM id, or the element itself. */
export type ElementOrId = string | HTMLElement;
/** 0 is success, everything else one of `MESIBO_RESULT_*`. */
export type ResultCode = number;
/** What a callback returns is not looked at, and not waited for. */
export type Answer = unknown;

/** What `init` accepts as the engine: an address, a response, bytes, or a compiled module. */
export type EngineSource =
  string | URL | Request | Response | Promise<Response> | BufferSource | WebAssembly.Module;

export interface InitOptions {
  /** Address of the server; without it the origin of this module. */
  server?: string | URL;
}

/** Loads the engine, once; every call resolves to the same API. */
export declare function init(source?: EngineSource | null, options?: InitOptions): Promise<Api>;
export default init;

// ---- callbacks ------------------------------------------------------------------------------

/** Any object; each method is looked up when its event happens, and may be missing. */
export interface MesiboListener {
  /** `status` is one of `MESIBO_STATUS_*`. */
  Mesibo_onConnectionStatus?(status: number, value: number): Answer;
  /** `null` ends a read and reaches the listeners of read sessions only. */
  Mesibo_onMessage?(message: MesiboMessage | null, data?: Uint8Array): Answer;
  Mesibo_onMessageStatus?(message: MesiboMessage): Answer;
  /** A message was edited, recalled or wiped, or its file has come further. */
  Mesibo_onMessageUpdate?(message: MesiboMessage): Answer;
  /** `true`: the page uploads by itself and tells how far it is, and where the file is. */
  Mesibo_onStartFileTransfer?(transfer: MesiboFileTransfer): boolean | void;
  /** A transfer of the page shall end. */
  Mesibo_onStopFileTransfer?(transfer: MesiboFileTransfer): boolean | void;
  /** Ten times a second at most. */
  Mesibo_onFileTransferProgress?(transfer: MesiboFileTransfer): boolean | void;
  Mesibo_onPresence?(presence: MesiboPresence): Answer;
  Mesibo_onPresenceRequest?(presence: MesiboPresence): Answer;
  /** First generation: as `Mesibo_onMessage`; presence comes here too, without data. */
  Mesibo_OnMessage?(message: MesiboMessage, data?: Uint8Array): Answer;
  /** First generation: presence, its code once more. */
  Mesibo_OnActivity?(presence: MesiboPresence, activity: number): Answer;
  /** Asked before an incoming message is stored or told: `false` drops it. */
  Mesibo_onMessageFilter?(message: MesiboMessage): boolean | void;
  /** After `setAppInForeground`. */
  Mesibo_onForeground?(context: any, screenId: number, foreground: boolean): Answer;
  Mesibo_onProfileSearchResults?(profiles: MesiboProfile[], search: MesiboProfileSearch): Answer;
  Mesibo_onProfileSearchUpdate?(profiles: MesiboProfile[], search: MesiboProfileSearch): Answer;
  // Listeners of the location manager only.
  Mesibo_onDeviceLocation?(location: MesiboLocation): Answer;
  Mesibo_onLocationReceived?(profile: MesiboProfile): Answer;
  Mesibo_onLocationRequest?(profile: MesiboProfile, duration: number): Answer;
  Mesibo_onLocationShared?(profile: MesiboProfile, duration: number): Answer;
  Mesibo_onLocationError?(profile: MesiboProfile, error: number): Answer;
  /** Encryption of a conversation changed: not before there is any. */
  Mesibo_onEndToEndEncryption?(profile: MesiboProfile, status: number): Answer;
  Mesibo_onProfileUpdated?(profile: MesiboProfile): Answer;
  /** Edits of a profile have reached the server, or failed; or there was nothing to send. */
  MesiboProfile_onPublish?(profile: MesiboProfile, result: boolean): Answer;
  /** A name for somebody who has none; asked at once, the answer is used. */
  Mesibo_onGetProfileName?(profile: MesiboProfile): string | null | undefined;
  /** A picture for who has none: a URL, an image or a canvas; asked at once. */
  Mesibo_onGetProfileImage?(
    profile: MesiboProfile,
  ): string | HTMLImageElement | HTMLCanvasElement | null | undefined;
  /** Asked when a profile is handed out first: the page may name it or hang fields on it. */
  Mesibo_onCustomizeProfile?(profile: MesiboProfile): boolean | void;
  Mesibo_onGroupCreated?(group: MesiboGroupProfile): Answer;
  Mesibo_onGroupJoined?(group: MesiboGroupProfile): Answer;
  Mesibo_onGroupLeft?(group: MesiboGroupProfile): Answer;
  Mesibo_onGroupMembers?(group: MesiboGroupProfile, members: MesiboGroupMember[]): Answer;
  Mesibo_onGroupMembersJoined?(group: MesiboGroupProfile, members: MesiboGroupMember[]): Answer;
  Mesibo_onGroupMembersRemoved?(group: MesiboGroupProfile, members: MesiboGroupMember[]): Answer;
  Mesibo_onGroupSettings?(
    group: MesiboGroupProfile,
    settings: MesiboGroupSettings,
    permissions: MesiboMemberPermissions,
    pins: MesiboGroupPin[],
  ): Answer;
  /** Who waits for `admitMembers`: all of them, each time that changes. For who may add members. */
  Mesibo_onGroupMembersWaiting?(group: MesiboGroupProfile, members: MesiboGroupMember[]): Answer;
  /**
   * `error` is one of `MESIBO_GROUPERROR_*`; no group when it was to be created. `waiting`: the group
   * has a waiting room, and what comes next is `Mesibo_onGroupJoined`, or the error without it.
   */
  Mesibo_onGroupError?(group: MesiboGroupProfile | null, error: number, waiting: boolean): Answer;
  /** For a read session: how many older messages `sync` has brought. */
  Mesibo_onSync?(session: MesiboReadSession, count: number): Answer;
  Mesibo_onError?(text: string): Answer;
  /** The browser is about to ask for camera and microphone (`true`), or was answered. */
  Mesibo_onPermission?(on: boolean): Answer;
  /** Capture began; `null` when there is nothing to capture. */
  Mesibo_onLocalMedia?(media: MediaStream | null): Answer;
  /**
   * The browser plays no sound before the user has touched the page (`true`), or plays it now. The next
   * click or key begins it, or `resumePlayback`.
   */
  Mesibo_onPlaybackBlocked?(blocked: boolean): Answer;
  /** Somebody calls. Set up and answer, or hang up, now or later. */
  Mesibo_onCall?(callid: number, from: string, video: boolean): Answer;
  /** `MESIBO_CALLSTATUS_*`; one with bit 0x40 is the last of a call. */
  Mesibo_onCallStatus?(callid: number, status: number): Answer;

  // Rooms, first generation.
  Mesibo_OnParticipants?(all: MesiboParticipant[], latest: MesiboParticipant[]): Answer;
  Mesibo_onParticipant?(participant: MesiboParticipant): Answer;
  Mesibo_OnParticipantUpdated?(all: MesiboParticipant[], changed: MesiboParticipant): Answer;
  Mesibo_OnParticipantsUpdated?(all: MesiboParticipant[], changed: MesiboParticipant): Answer;
  Mesibo_OnSubscriber?(subscriber: MesiboSubscriber): Answer;

  /** The spellings of earlier generations (`Mesibo_OnMessage`), and whatever else the page keeps. */
  [name: string]: any;
}

export interface MesiboProfileListener {
  MesiboProfile_onUpdate?(profile: MesiboProfile): Answer;
  MesiboProfile_onPublish?(profile: MesiboProfile, result: boolean): Answer;
  /** Encryption of a conversation changed: not before there is any. */
  MesiboProfile_onEndToEndEncryption?(profile: MesiboProfile, status: number): Answer;
  [name: string]: any;
}

/** Of a room, or of one participant's call. */
export interface MesiboGroupCallListener {
  MesiboGroupcall_OnPublisher?(participant: MesiboParticipant, joined: boolean): Answer;
  MesiboGroupcall_OnSubscriber?(subscriber: MesiboSubscriber, joined: boolean): Answer;
  /** What is sent in the room is being recorded from now on, or no more. Of rooms only. */
  MesiboGroupcall_OnRecording?(recording: boolean): Answer;
  /** Who has the word, or has spoken last, is another one: as `getSpeakers()`. Of rooms only. */
  MesiboGroupcall_OnSpeakers?(speakers: MesiboParticipant[]): Answer;
  MesiboGroupcall_OnConnected?(participant: MesiboParticipant, connected: boolean): Answer;
  MesiboGroupcall_OnVideo?(
    participant: MesiboParticipant,
    aspectRatio: number,
    landscape: boolean,
  ): Answer;
  MesiboGroupcall_OnAudio?(participant: MesiboParticipant): Answer;
  MesiboGroupcall_OnMute?(
    participant: MesiboParticipant,
    audio: boolean,
    video: boolean,
    remote: boolean,
  ): Answer;
  MesiboGroupcall_OnTalking?(participant: MesiboParticipant, talking: boolean): Answer;
  /**
   * How well the link of whoever publishes it does, 1 to 100, told when it changes; 1 also when the own
   * link does not carry its picture.
   */
  MesiboGroupcall_OnQuality?(participant: MesiboParticipant, quality: number): Answer;
  /** `reason` is one of `MESIBOCALL_HANGUP_REASON_*`. */
  MesiboGroupcall_OnHangup?(participant: MesiboParticipant, reason: number): Answer;
  /** It shows another camera or screen now; `source` is one of `MESIBOCALL_VIDEOSOURCE_*`. */
  MesiboGroupcall_OnVideoSourceChanged?(
    participant: MesiboParticipant,
    source: number,
    index: number,
  ): Answer;
  /** How the publisher would like to be shown: `setVisibility` of its own participant. */
  MesiboGroupcall_OnVisibilityPreference?(
    participant: MesiboParticipant,
    visible: boolean,
    fullscreen: boolean,
    priority: number,
  ): Answer;
  /** The browser plays through another device, `MESIBO_AUDIODEVICE_*`. */
  MesiboGroupcall_OnAudioDeviceChanged?(active: number, inactive: number): Answer;
  [name: string]: any;
}

/**
 * What an admin of the room asks of this page; `false` refuses. Without a listener the page is muted,
 * stopped and sent away as asked; a camera is never started, nor a stream shown, unasked.
 */
export interface MesiboGroupCallAdminListener {
  MesiboGroupcallAdmin_OnMute?(
    requester: MesiboProfile,
    admin: boolean,
    own: MesiboParticipant,
    audio: boolean,
    video: boolean,
    enable: boolean,
  ): Answer;
  MesiboGroupcallAdmin_OnStopPublishing?(
    requester: MesiboProfile,
    admin: boolean,
    own: MesiboParticipant,
  ): Answer;
  MesiboGroupcallAdmin_OnStartPublishing?(
    requester: MesiboProfile,
    admin: boolean,
    sid: number,
    audio: boolean,
    video: boolean,
    source: number,
    index: number,
  ): Answer;
  MesiboGroupcallAdmin_OnSubscribe?(
    requester: MesiboProfile,
    admin: boolean,
    publisher: MesiboParticipant,
    audio: boolean,
    video: boolean,
  ): Answer;
  MesiboGroupcallAdmin_OnMakeFullScreen?(
    requester: MesiboProfile,
    admin: boolean,
    publisher: MesiboParticipant,
  ): Answer;
  MesiboGroupcallAdmin_OnLeave?(requester: MesiboProfile, admin: boolean): Answer;
  [name: string]: any;
}

/** Of a track that is sent, in all its encodings, or received. */
export interface MesiboTrackStats {
  /** Bits a second since the last time; 0 the first time. */
  bitrate: number;
  /** Since the beginning. */
  packets: number;
  lost: number;
  /** Part of the packets that was lost since the last time, 0 to 1. */
  loss: number;
  /** ms; `null` while nobody has told. */
  jitter: number | null;
  /** Such as "opus" or "VP8"; empty while it is not known. */
  codec: string;
}

export interface MesiboVideoStats extends MesiboTrackStats {
  /** Pixels; of what is sent the largest encoding. */
  width: number;
  height: number;
  /** Pictures a second. */
  frameRate: number;
  /** Encodings that are sent or received. */
  layers: number;
  /** How often the picture stood still, and for how long in all, ms. Of what is received. */
  freezes: number;
  frozen: number;
  /** Pictures that came too late to be shown. */
  dropped: number;
  /** What keeps a picture that is sent small: "none", "bandwidth", "cpu" or "other". */
  limitedBy: string;
}

/** What `MesiboParticipant.getStats()` promises. */
export interface MesiboParticipantStats {
  /** ms since 1970. */
  timestamp: number;
  /** To the server and back, ms; `null` while it is not known. */
  roundTrip: number | null;
  audio: MesiboTrackStats | null;
  video: MesiboVideoStats | null;
}

/** Somebody who is in a room without a camera or microphone of their own. */
export interface MesiboSubscriber {
  name: string;
  address: string;
  uid: number;
  profile: MesiboProfile;
  getName(): string;
  getAddress(): string;
  getUid(): number;
  getId(): number;
  /** Always 0: it is somebody, not a stream. */
  getSid(): number;
  getProfile(): MesiboProfile;
  isLocal(): boolean;
}

/** Of a group. In a change, what is missing stays as it is. */
declare class MesiboGroupSettings {
  constructor(settings?: Partial<MesiboGroupSettings>);
  name: string;
  /** `MESIBO_GROUPFLAG_*` */
  flags: number;
  /** `MESIBO_GROUPCALLFLAG_*` */
  callFlags: number;
  callDuration: number;
  /** `MESIBO_RESOLUTION_*` */
  videoResolution: number;
  /** Seconds from now, 0 = never. */
  expiry: number;
}

/** What a member may do. Flags other than 0 are all that is given. */
declare class MesiboMemberPermissions {
  constructor(permissions?: Partial<MesiboMemberPermissions>);
  /** `MESIBO_MEMBERFLAG_*`; 0 = as the group has it for members. */
  flags: number;
  /** `MESIBO_ADMINFLAG_*` */
  adminFlags: number;
  /** `MESIBO_GROUPCALLFLAG_*` with `VALID`: the only kinds that may be published; else as in the group. */
  callFlags: number;
  /** Seconds in one call, 0 = as long as the group allows. */
  callDuration: number;
  /** `MESIBO_RESOLUTION_*`, the largest picture; 0 = the group's. */
  videoResolution: number;
  /** Seconds from now until the membership ends, 0 = never. */
  expiry: number;
}

declare class MesiboGroupPin {
  constructor(pin?: Partial<MesiboGroupPin>);
  pin: number;
  permissions: MesiboMemberPermissions;
  /** Seconds from now, 0 = never. */
  expiry?: number;
  /** How often it may be used, 0 = without limit. */
  count?: number;
  /** How often it was used. */
  used?: number;
}

/** Told first of what the call causes; a function is told once, of what it asked for. */
export type GroupListener<Told extends unknown[] = []> =
  MesiboListener | ((group: MesiboGroupProfile, ...told: Told) => Answer) | null;
type GroupMembersListener = GroupListener<[members: MesiboGroupMember[]]>;
type GroupSettingsListener = GroupListener<
  [settings: MesiboGroupSettings, permissions: MesiboMemberPermissions, pins: MesiboGroupPin[]]
>;

// ---- the API object -------------------------------------------------------------------------

declare class Mesibo {
  /** The default instance while nobody has signed in with it, else a new one. */
  constructor();
  static getInstance(): Mesibo;
  version(): string;
  static version(): string;
  static printVersion(first?: unknown, second?: unknown): void;

  /** Where the server is; before `start`. */
  setServer(url: string): boolean;
  setAppId(id: string): boolean;
  setAppName(id: string): boolean;
  getAppId(): string;
  getAppName(): string;
  setAccessToken(token: string, uid?: Numeric): boolean;
  setCredentials(token: string, uid?: Numeric): boolean;
  /** No name, no database. The callback is called exactly once. */
  setDatabase(name: string | null, callback?: (ok: boolean) => Answer): boolean;
  addListener(listener: MesiboListener): boolean;
  /** Adds; `null` removes all. */
  setListener(listener: MesiboListener | null): boolean;
  removeListener(listener: MesiboListener): boolean;
  removeListner(listener: MesiboListener): boolean;
  start(): ResultCode;
  stop(): ResultCode;
  reconnect(): boolean;
  /**
   * `true`, and when it is never called: this tab shares one connection with the other tabs of the
   * browser that show the same user. `false`: it is a device of its own, and the server signs the
   * others out. Before `start()`; afterwards it changes nothing and answers `false`.
   */
  enableCrossTabSessions(on?: boolean): boolean;
  /** One of `MESIBO_STATUS_*`. */
  getConnectionStatus(): number;
  isOnline(): boolean;
  isAccountSuspended(): boolean;
  isAccountPaid(): boolean;
  /** 0 until known. */
  getUid(): number;
  /** Empty until known. */
  getAddress(): string;
  getDeviceType(): number;
  /** Milliseconds since 1970 by the server's clock. */
  getTimestamp(): number;
  /** When `start` was called first, 0 before. */
  getStartTimestamp(): number;
  /** Calendar days since then; 0 today. */
  daysElapsed(ts: number): number;
  /** Not told by our tokens: "" and 0. */
  getAppIdForAccessToken(): string;
  getAccessTokenValidity(): number;
  /** `MESIBO_CONNECTIVITY_*` */
  getNetworkConnectivity(): number;
  /** Kept by the server for push messages. */
  setPushToken(token: string, voip?: boolean): ResultCode;
  setConfiguration(type: number, value: unknown): void;
  setConfiuration(type: number, value: unknown): void;
  setBufferLen(length: number, empty?: boolean): ResultCode;
  /** The page knows better than the browser whether it is looked at. */
  setAppInForeground(context: unknown, screenId: number, foreground: boolean): boolean;
  isAppInForeground(): boolean;
  setForegroundContext(context: unknown, screenId: number, foreground: boolean): void;
  /** `MESIBO_ONLINEMODE_*`: when others see the user online. */
  setOnlineStatusMode(mode: number): void;
  /** Who does: 0 = who watches, `MESIBO_GROUP_CONTACTS` and above = contacts, or a group. */
  setOnlineStatusTarget(target: number): void;
  setOnlinestatusTarget(target: number): void;
  /** 0: who watches; everything else: contacts. */
  setOnlineStatusPrivacy(privacy: number): void;
  subscribeTransient(
    addresses: string[] | string,
    type?: number,
    activity?: number,
    duration?: number,
  ): ResultCode;
  e2ee(): MesiboEndToEndEncryption;
  getLocationManager(): MesiboLocationManager;
  /** Small values of the page, kept with the database, not sent; 64 KiB together. */
  setKey(key: string, value: string): boolean;
  readKey(key: string): string | null;
  deleteKey(key: string): boolean;

  /** `null` only when both are missing; the group wins. */
  getProfile(address: Numeric | null | undefined, gid?: Numeric | null): MesiboProfile | null;
  getUserProfile(address: Numeric): MesiboProfile | null;
  getGroupProfile(gid: Numeric): MesiboProfile | null;
  getProfileIfExists(
    address: Numeric | null | undefined,
    gid?: Numeric | null,
  ): MesiboProfile | null;
  getSelfProfile(): MesiboSelfProfile;
  getGroupProfiles(): MesiboGroupProfile[];
  /**
   * Groups, contacts, subscribed users and those that the page has named, by name; not everybody
   * whom it asked about once.
   */
  getSortedProfiles(): MesiboProfile[];
  /** By their last message, newest first. */
  getRecentProfiles(): MesiboProfile[];
  getUserProfileIfExists(address: Numeric): MesiboProfile | null;
  getGroupProfileIfExists(gid: Numeric): MesiboProfile | null;
  /** Leaves groups one is not in out of the lists; `reset` takes them in again. */
  hideInactiveGroupProfiles(reset?: boolean): void;
  getLastProfileUpdateTimestamp(): number;
  /** `Mesibo_onCustomizeProfile` and other questions are asked again. */
  resetProfileCustomizations(): void;
  /** `false` without a name or a token. The group is made when online. */
  createGroup(name: string, flags?: number, listener?: GroupListener): boolean;
  createGroup(settings: Partial<MesiboGroupSettings>, listener?: GroupListener): boolean;
  /** First generation: what the page knows of somebody; nothing goes to the server. */
  setContact(contact: {
    address?: string;
    groupid?: Numeric;
    name?: string;
    picture?: string;
    status?: string;
    hidden?: boolean;
    [name: string]: any;
  }): MesiboProfile | null;

  /** A new id for a message: 32 bits, never 0, never the same again. */
  getUniqueMessageId(): number;
  random(): number;
  /** The sender's half of a message id. */
  getSenderMessageId(mid: Numeric): number;
  sendMessage(to: MessageParameters, id: Numeric, body: string | Uint8Array): ResultCode;
  /** In memory now, else `null`; the callback gets it from the database too, later. */
  getMessage(
    mid: Numeric,
    callback?: ((message: MesiboMessage | null) => Answer) | null,
    /** Whose it is, when it is somebody else's and not in memory. */
    sender?: string,
  ): MesiboMessage | null;
  /** Removes a message from the own devices; with `remote` it is recalled first. */
  deleteMessage(mid: Numeric, remote?: boolean): Promise<boolean>;
  /** Messages by their ids, all of a conversation, or all that are older than a time (ms). */
  deleteMessages(which: Numeric[] | MessageParameters | number, remote?: boolean): Promise<boolean>;
  deleteMessagesOlderThan(seconds: number): Promise<boolean>;
  /** Clears this device's database, by a mask of `MESIBO_DBTABLE_*`; sessions begin anew. */
  resetDatabase(tables?: number): Promise<boolean>;
  /** Erases what a message says on this device; its place stays. */
  wipeMessage(mid: Numeric): Promise<boolean>;
  wipeMessages(mids: Numeric[], remote?: boolean): Promise<boolean>;
  wipeAndRecallMessage(mid: Numeric): Promise<boolean>;
  wipeAndRecallMessages(mids: Numeric[]): Promise<boolean>;
  /** Messages of groups that were left and of profiles that were removed. */
  deleteZombieMessages(groupOnly?: boolean): Promise<boolean>;
  /** How long an own message may be changed or recalled, seconds; an hour at most. */
  setMessageRetractionInterval(seconds: number): ResultCode;
  getMessageRetractionInterval(): number;
  /** `MESIBO_RETRACT_*`; with DELETE a recalled message is removed, not only emptied. */
  setMessageRetractionPolicy(mask: number): ResultCode;
  /** Which changes of others are taken: MODIFY, WIPE or DELETE. */
  setRemoteRetractionPolicy(mask: number): ResultCode;
  forwardMessage(to: MessageParameters, id: Numeric, mid: Numeric): ResultCode;
  resendMessage(to: MessageParameters, mid: Numeric): ResultCode;
  /** Drops a message that waits to be sent. */
  cancel(type: number, mid: Numeric): ResultCode;
  sendReadReceipt(to: MessageParameters, mid: Numeric): ResultCode;
  sendReadReceipt(address: string | null, gid: Numeric | null, mid: Numeric): ResultCode;
  readDbSession(
    address: string | null | undefined,
    gid: Numeric | null | undefined,
    search?: string | null,
    onRead?: SessionListener,
  ): MesiboReadSession;
  readDbSession(onRead: (this: MesiboReadSession, count: number) => Answer): MesiboReadSession;
  isReading(message: MesiboMessage): boolean;

  /** A file that is at a URL, or is to be uploaded; the page shows the message by itself. */
  sendFile(to: MessageParameters, id: Numeric, file: FileParameters): ResultCode;
  /** Files go to this service from now on; empty is the server again. */
  setUploadUrl(url: string, token?: string): void;
  getUploadUrl(): string;
  getUploadAuthToken(): string;
  /** Off: messages with a file fail. */
  enableFileTransfer(on?: boolean): void;
  isFileTransferEnabled(): boolean;
  /** `MESIBO_FILETYPE_*` by the ending of a name. */
  getFileType(name: string): number;
  createhttpRequest(): MesiboHttp;
  createHttpRequest(): MesiboHttp;
  /** For files without a network; a failure is only logged. */
  startServiceWorker(url: string | URL): boolean;
  /**
   * Asks the user, then the server wakes this browser by Web Push while no page is open, and the
   * service worker shows a notification. Needs `startServiceWorker`; `false` ends it.
   */
  enablePush(on?: boolean): Promise<boolean>;
  /** To be called in the worker's first turn. */
  static initServiceWorker(caches: CacheStorage, self: any): boolean;

  /**
   * What the next `call` or `answer` is about. Elements may appear later; `null` = no view. In a call
   * it says where that one is shown from now on, and that `setVideoSource` may make pictures part of it.
   */
  setupVideoCall(
    local: string | HTMLElement | null,
    remote: string | HTMLElement | null,
    video?: boolean,
  ): boolean;
  /** As above, without pictures; without an element it is heard all the same. */
  setupVoiceCall(audio?: string | HTMLElement | null): boolean;
  /**
   * Calls a user. Not 0: no setup or no address (FAIL), another call (REQINPROGRESS), offline
   * (DISCONNECTED). All but the first are told to `Mesibo_onCallStatus`, too.
   */
  call(address: string, video?: boolean): ResultCode;
  /** Takes the call that rings. FAIL when none does. */
  answer(video?: boolean): ResultCode;
  /** Declines, cancels or ends; 0 = the call there is. FAIL when there is none. */
  hangup(callid?: Numeric): ResultCode;
  /** `enable` = mute. `(channel, …, false)` with nothing muted mutes until `(false, false, true)`. */
  mute(audio: boolean, video: boolean, enable: boolean): ResultCode;
  /** Muted now. The other side is told MUTE or UNMUTE. */
  toggleAudioMute(): boolean;
  toggleVideoMute(): boolean;
  /** `MESIBO_MUTESTATUS_*` of the own side. */
  getMuteStatus(): number;
  /** Neither side hears or sees the other. */
  hold(on?: boolean): ResultCode;
  /** 0 to 9, * and #. */
  dtmf(digit: string | number): ResultCode;
  /**
   * Which camera calls send, `MESIBOCALL_VIDEOSOURCE_*` and its number: in the call there is at once, and
   * in later ones. The screen is sent in one call only, the one there is or else the next one, until the
   * user stops that. After `setupVideoCall` a call by voice becomes one with pictures: both sides are told
   * `MESIBO_CALLSTATUS_UPDATE`, in which the other one says by `setupVideoCall` where it wants to see them.
   * `Mesibo_onError` says when a video call would be refused.
   */
  setVideoSource(source: number, index?: number): void;
  getVideoSource(): number;
  /**
   * Which microphone calls and rooms hear, by its `deviceId`, now and later; none = the browser's choice,
   * which it also is while that one is not there.
   */
  setMicrophone(deviceId?: string | null): void;
  /** The other side of a phone, the next camera of a desk. */
  switchCamera(): void;
  /** From camera to screen and back, or to this `MESIBOCALL_VIDEOSOURCE_*`. */
  switchSource(source?: number): void;
  /**
   * Plays what the browser keeps back until the user has touched the page, which is told by
   * `Mesibo_onPlaybackBlocked`. To be called when the user does something.
   */
  resumePlayback(): void;
  /** With whom a call is under way or rings, or the group of a conference. */
  getActiveCall(): MesiboProfile | null;
  getActiveP2PCall(): MesiboProfile | null;
  getActiveGroupCall(): MesiboProfile | null;

  groupCall(listener: MesiboGroupCallListener | null, gid: Numeric): MesiboGroupCall | null;
  /** First generation; `setRoom` says which one. */
  initGroupCall(): MesiboGroupCall;
}

/** Parameters of the first generation's sends. */
export interface MessageParameters {
  peer?: string;
  groupid?: Numeric;
  id?: number;
  type?: number;
  /** Seconds; 0 = only who is online now. */
  expiry?: number;
  /** `MESIBO_FLAG_*`; missing = both receipts. */
  flag?: number;
  message?: string;
  [name: string]: any;
}

/** What `sendFile` takes: `file`, or where it is. */
export interface FileParameters {
  file?: FileContent;
  fileurl?: string;
  url?: string;
  /** `MESIBO_FILETYPE_*` */
  filetype?: number;
  type?: number;
  size?: number;
  title?: string;
  message?: string;
  /** A small picture: bytes, or a data URL. */
  tn?: Uint8Array | string;
  launchurl?: string;
  [name: string]: any;
}

/** A DOM id or element (input, img, canvas, video, audio), a file, bytes, or a URL. */
export type FileContent =
  string | HTMLElement | OffscreenCanvas | Blob | ArrayBuffer | ArrayBufferView<ArrayBuffer>;

// ---- profiles -------------------------------------------------------------------------------

/** Named values: of a profile kept and published by `save`, of a message sent along. */
export interface NamedValues {
  /**
   * `null` removes one. Names have at most 63 characters, all values of a profile together 16 KiB.
   * `level`, own profile: 0 = everybody sees it, 1 to 15 = who was given that level.
   */
  setString(name: string, value: string | null, level?: number): void;
  setInt(name: string, value: number | null, level?: number): void;
  setLong(name: string, value: number | null, level?: number): void;
  setDouble(name: string, value: number | null, level?: number): void;
  setBoolean(name: string, value: boolean | null, level?: number): void;
  /** `otherwise` when there is no such value, or none that can be converted without loss. */
  getString(name: string, otherwise?: string): string | undefined;
  getInt(name: string, otherwise?: number): number | undefined;
  getLong(name: string, otherwise?: number): number | undefined;
  getDouble(name: string, otherwise?: number): number | undefined;
  getBoolean(name: string, otherwise?: boolean): boolean | undefined;
}

interface MesiboProfile extends NamedValues {}
interface MesiboMessage extends NamedValues, Behaviour {}

/** How a message behaves unless it says otherwise; `MesiboMessage.setDefaults` changes it for later ones. */
export interface Behaviour {
  /** Files are copied when a message is forwarded: `true`. */
  copyFiles: boolean;
  /** Links get a preview; by the server, kept, sent along; taken from the text: all `true`. */
  urlPreview: boolean;
  urlPreviewServer: boolean;
  urlPreviewCache: boolean;
  urlPreviewShare: boolean;
  extractUrlFromMessage: boolean;
  /** A file goes with its name: `true`. */
  sendFileName: boolean;
  /** Pictures may be scaled before they are sent: `true`. */
  imageProcessing: boolean;
  /** A small picture of a file goes along: `true`. */
  sendThumbnail: boolean;
  extractThumbnail: boolean;
  /** Kinds of small pictures: `false`. */
  sendHqThumbnail: boolean;
  horizontalThumbnail: boolean;
  verticalThumbnail: boolean;
  /** Not for everybody's eyes: `false`, 0. */
  matureContent: boolean;
  contentRating: number;
  /** Signs become pictures: `true`. */
  emojify: boolean;
  /** Files at a URL are fetched and kept: `false`. */
  saveImageUrl: boolean;
  saveVideoUrl: boolean;
  saveAudioUrl: boolean;
  saveAllFileUrl: boolean;
  /** Pixels: 400. */
  thumbnailMaxSide: number;
  /** 0 = as the picture is. */
  thumbnailAspectRatio: number;
  /** Bytes, 0 = no limit of its own. */
  maxPreviewSize: number;
  passthroughSize: number;
  urlTransferSize: number;
  /** Seconds, 0 = never. */
  urlPreviewExpiry: number;
  trackingProtectionLevel: number;
  secureDownload: boolean;
  openExternally: boolean;
  /** A forwarded message says that it is: `true`. */
  markForwarded: boolean;
}

declare class MesiboProfile {
  protected constructor();
  static getProfile(address: Numeric): MesiboProfile | null;
  static getGroupProfile(gid: Numeric): MesiboProfile | null;
  static getSelfProfile(): MesiboSelfProfile;
  /** By `getHashCode`, among the listed ones. */
  static get(hash: number): MesiboProfile | null;

  /** Empty for a group. */
  getAddress(): string;
  /** 0 for a user. */
  getGroupId(): number;
  getUid(): number;
  isGroup(): boolean;
  isSelfProfile(): boolean;
  isActive(): boolean;
  isValidDestination(): boolean;
  isOnline(): boolean;
  isTyping(): boolean;
  isTypingInGroup(gid: Numeric): boolean;
  /** A call with this user, or a conference in this group, is under way or rings. */
  isCallInProgress(): boolean;
  isVideoCallInProgress(): boolean;
  isVoiceCallInProgress(): boolean;
  isChatting(): boolean;
  isChattingInGroup(gid: Numeric): boolean;
  /** Counts as a number, too: the seconds since then, 0 of who is online; `null` when it is not known. */
  getLastSeen(): MesiboDateTime | null;

  getName(): string | null;
  getNameOrAddress(prefix?: string): string;
  getFirstName(): string | undefined;
  /** Published by `save` for oneself and for own groups; of others it is this side's own. */
  setName(name: string | null): void;
  getStatus(): string;

  newMessage(): MesiboMessage;
  newPresence(): MesiboPresence;
  createPresence(): MesiboPresence;
  sendMessage(id: Numeric, text: string | Uint8Array): ResultCode;
  sendFile(id: Numeric, file: FileParameters): ResultCode;
  createReadSession(listener?: SessionListener): MesiboReadSession;
  /** Removes the conversation from the own devices, or what is older than `ts`, ms. */
  deleteMessages(ts?: number): Promise<boolean>;
  deleteMessagesOlderThan(seconds: number): Promise<boolean>;
  /** As `deleteMessages`, but the conversation stays in summaries, as an entry of status EMPTY. */
  clearMessages(ts?: number): Promise<boolean>;
  readDbSession(search?: string | null, onRead?: SessionListener): MesiboReadSession;
  readDbSession(onRead: (this: MesiboReadSession, count: number) => Answer): MesiboReadSession;
  sendTyping(): ResultCode;
  sendJoined(): ResultCode;
  sendLeft(): ResultCode;
  /** What was counted last; the callback gets what is true now. */
  getUnreadMessageCount(callback?: (count: number) => Answer): number;
  unread(callback?: (count: number) => Answer): number;
  /** The newest received message is unread again, on this device. */
  markUnread(): number;
  /** All is read; with `sendReceipt` the senders hear of it. The number that was unread. */
  markRead(sendReceipt?: boolean): number;
  /** Of a thread (0: all) and a `MESIBO_MSGSTATUS_*` (missing: all). */
  getMessageCount(
    thread?: number,
    status?: number | ((count: number) => Answer),
    callback?: (count: number) => Answer,
  ): number;
  /** What was counted last; the callback gets what is true now. */
  getTotalMessageCount(callback?: (count: number) => Answer): number;
  /** Sent ones that have not failed. */
  getSentMessageCount(callback?: (count: number) => Answer): number;
  getReceivedMessageCount(callback?: (count: number) => Answer): number;
  getFailedMessageCount(callback?: (count: number) => Answer): number;
  matches(message: MesiboMessageProperties): boolean;

  getFirstNameOrAddress(prefix?: string): string;
  /** On this side only, until a real name is known. */
  setTemporaryName(name: string | null): void;
  setOverrideName(name: string | null): void;
  setStatus(status: string | null): void;
  hasValue(name: string): boolean;
  getValue(name: string): unknown;
  getValues(): Record<string, unknown>;
  getImage(index?: number): MesiboProfileImage;
  /** Of the first picture. */
  getThumbnail(): string | null;
  /** Of the first picture. */
  getImageOrThumbnail(): string | null;
  /**
   * Read at once, shown at once on this side; scaled, uploaded and published by `save`. Up to 8
   * pictures; with a level only who was given it sees them.
   */
  setImage(image: ElementOrId | Blob | null, index?: number, level?: number): boolean;
  setImageUrl(url: string | null, index?: number, level?: number): boolean;
  prefetchImages(): boolean;
  setDraft(text: string | null): void;
  getDraft(): string | null;
  setUserData(data: unknown): void;
  getUserData(): any;
  /** Takes back what was not saved. */
  reset(): void;
  /** Keeps all edits; those of the own profile and own groups are published. */
  save(): boolean;
  publish(): boolean;
  /** Who may see a value of the own profile: 0 = everybody, 1 to 15 = who was given that level. */
  setAccessLevel(name: string, level: number): void;
  resetAccessLevels(): void;
  /** Levels of the own profile that this user may see, after `save`; `null` = none. */
  setProfileAccessLevels(levels: number[] | null): void;
  /** Own profile or own group: may be found by search, after `save`. */
  setSearchable(on?: boolean): void;
  /** Deprecated: `MESIBO_VISIBILITY_SEARCHABLE` may be found, all others not. */
  setVisibility(visibility: number): void;
  /**
   * Who is told of changes at once, after `save()`. `MESIBO_SYNCTYPE_REALTIME`: all who watch; `LAZY`:
   * nobody; `ONLINEONLY`: who is seen online then; `RECENTONLY`: the 64 users talked with last. Who is
   * not told sees the change when it asks, at its next connection at the latest.
   */
  setSyncType(type: number): void;
  /** Takes back what this user was given to see of the own profile, and the profile itself. */
  requestProfileRemoval(on?: boolean): void;
  /** One of `getRecentProfiles` before there is a message, too; kept by `save`. */
  setRecent(on?: boolean): void;
  isSyncedProfileRecent(): boolean;
  isUpdateRealtime(): boolean;
  isCallInProgres(): boolean;
  subscribeTransient(type?: number, activity?: number, duration?: number): ResultCode;
  e2ee(): MesiboEndToEndEncryption;
  location(): MesiboProfileLocation;
  reload(): void;
  /** A copy that stays as it is; it can be edited, not saved. */
  cloneProfile(): this;
  broadcastChanges(): void;
  getHashCode(): number;

  setContact(on?: boolean): void;
  isContact(): boolean;
  subscribe(on?: boolean): void;
  isSubscribed(): boolean;
  /** One-to-one messages, calls and presence; holds on the server after `save`. */
  block(on?: boolean): void;
  toggleBlock(): boolean;
  isBlocked(): boolean;
  blockMessages(on?: boolean): void;
  blockCalls(on?: boolean): void;
  blockVideoCalls(on?: boolean): void;
  blockGroupMessages(on?: boolean): void;
  blockProfile(on?: boolean): void;
  blockProfileSubscription(on?: boolean): void;
  isMessageBlocked(): boolean;
  isCallBlocked(): boolean;
  isVideoCallBlocked(): boolean;
  isGroupMessageBlocked(): boolean;
  isProfileBlocked(): boolean;
  isProfileSubscriptionBlocked(): boolean;
  setPrivate(on?: boolean): void;
  isPrivate(): boolean;
  setHidden(on?: boolean): void;
  toggleHidden(): boolean;
  isHidden(): boolean;
  setMuted(on?: boolean): void;
  toggleMute(): boolean;
  isMuted(): boolean;
  favorite(on?: boolean): void;
  isFavorite(): boolean;
  archive(on?: boolean): void;
  isArchived(): boolean;
  setMark(on?: boolean): void;
  toggleMark(): boolean;
  isMarked(): boolean;
  setDeleted(): void;
  isDeleted(): boolean;
  /** The server has said who it is. */
  isLookedup(): boolean;
  isProfileSynced(): boolean;
  /** Forgets it here, at the server, or both. */
  removeLocalProfile(): void;
  removeSyncedProfile(): void;
  remove(): void;

  // Groups only; on a user they fail softly. What they cause comes to the listener, then to all.
  getGroupProfile(): MesiboGroupProfile | null;
  /** Address of the owner. */
  getAdmin(): string | null;
  /** Who changed the group last. */
  getLastAdmin(): MesiboProfile | null;
  isOwner(): boolean;
  canAdmin(): boolean;
  canModify(): boolean;
  canAddMembers(): boolean;
  canRemoveMembers(): boolean;
  canAddAdmins(): boolean;
  canRemoveAdmins(): boolean;
  canRemoveOwner(): boolean;
  canRemoveGroup(): boolean;
  getRequestId(): number;
  getSettings(listener?: GroupSettingsListener): ResultCode;
  setProperties(
    settings: Partial<MesiboGroupSettings>,
    listener?: GroupSettingsListener,
  ): ResultCode;
  /** `count` 0 = all; without `restart` those behind the last, until there are none. */
  getMembers(count: number, restart?: boolean, listener?: GroupMembersListener): ResultCode;
  /** A list, or addresses with commas between them. */
  addMembers(
    addresses: string[] | string,
    flags?: number,
    adminFlags?: number,
    listener?: GroupMembersListener,
  ): ResultCode;
  addMembers(
    addresses: string[] | string,
    permissions: Partial<MesiboMemberPermissions>,
    pin?: unknown,
  ): ResultCode;
  addMember(
    address: string,
    permissions?: Partial<MesiboMemberPermissions>,
    pin?: unknown,
  ): ResultCode;
  removeMembers(addresses: string[] | string, listener?: GroupMembersListener): ResultCode;
  removeMember(address: string, listener?: GroupMembersListener): ResultCode;
  /** Lets in, or sends away, who waits (`Mesibo_onGroupMembersWaiting`). Default: in. */
  admitMembers(
    addresses: string[] | string,
    admit?: boolean,
    listener?: GroupMembersListener,
  ): ResultCode;
  deleteGroup(): boolean;
  leave(): void;
  join(pin: Numeric, listener?: GroupListener): void;
  /** The number is drawn; `count` uses, 0 = without limit. */
  addPin(
    permissions: Partial<MesiboMemberPermissions>,
    listener?: GroupSettingsListener,
    expiry?: number,
    count?: number,
  ): void;
  editPin(
    pin: Numeric,
    permissions: Partial<MesiboMemberPermissions>,
    expiry?: number,
    count?: number,
    listener?: GroupSettingsListener,
  ): boolean;
  removePin(pin: Numeric, listener?: GroupSettingsListener): boolean;

  addListener(listener: MesiboProfileListener): boolean;
  removeListener(listener: MesiboProfileListener): void;

  /** Whatever the page hangs on it. */
  [name: string]: any;
}

declare class MesiboGroupProfile extends MesiboProfile {}
declare class MesiboSelfProfile extends MesiboProfile {}

/** The picture of a profile. Its strings can be the `src` of an image. */
declare class MesiboProfileImage {
  private constructor();
  getImage(): string | null;
  getThumbnail(): string | null;
  getImageOrThumbnail(): string | null;
  getImagePath(): string | null;
  getThumbnailPath(): string | null;
  getImageOrThumbnailPath(): string | null;
  /** Without asking the page. */
  getUrl(): string | null;
  getNext(): MesiboProfileImage | null;
  getPrevious(): MesiboProfileImage | null;
  getIndex(): number;
  isEmpty(): boolean;
  getProfile(): MesiboProfile;
}

/** Looks up addresses and makes them contacts. */
declare class MesiboContactSynchronizer {
  setContact(on?: boolean): void;
  subscribe(on?: boolean): void;
  /** `now` false waits for `syncNow`. */
  sync(addresses: string[], now?: boolean): void;
  syncAsUpdate(addresses: string[], now?: boolean): void;
  syncNow(): void;
  /** See `MesiboProfile.setProfileAccessLevels`. */
  setProfileAccessLevels(levels: number[] | null): void;
  /** What is synchronised from now on is looked up again at each `start`. */
  static enableAutoSync(on?: boolean): void;
  static isAutoSyncEnabled(): boolean;
}

/** People and groups that want to be found. */
declare class MesiboProfileSearch {
  /** `Mesibo_onProfileSearchResults(profiles, search)`, then `…SearchUpdate` for what follows. */
  setListener(listener: MesiboListener | ((...answer: any[]) => Answer) | null): void;
  /** Part of a name, or an address. */
  setQuery(text: string): void;
  /** Who is found is subscribed to. */
  subscribe(on?: boolean): void;
  enableGroupSearch(on?: boolean): void;
  /** Own contacts too, whatever they want. */
  enableContactSearch(on?: boolean): void;
  /** Only who was online within these seconds; 0 = all. */
  setMaxAge(seconds: number): void;
  /** Only users who are that near, are online, and let themselves be found so
   *  (`MesiboLocationManager.setSearchableDistance`); 0 = all. */
  setDistance(metres: number): void;
  /** Degrees; the centre of the search. */
  setLocation(latitude: number, longitude: number): void;
  /** The centre is where the location manager says one is, as it is from the start. */
  setCurrentLocation(): void;
  /** `false` while offline, without a text or distance, and with a distance from nowhere. */
  search(): boolean;
  searchMore(): boolean;
  getLastSearchResult(): MesiboProfile[];
  clearSearchResult(): void;
  getRequestId(): number;
}

declare class MesiboLocation {
  constructor(latitude?: number, longitude?: number);
  /** Degrees. */
  latitude: number;
  longitude: number;
  /** Metres; metres a second. */
  altitude: number;
  speed: number;
  distance: number;
  accuracy: number;
  ts: number;
  flags: number;
  getTimestamp(): MesiboDateTime;
}

declare class MesiboLocationConfig {
  /** Metres between two places that are told, here and to others. */
  minDistance: number;
  minDistanceSharing: number;
  /** Seconds. */
  minInterval: number;
  maxInterval: number;
  backgroundRefresh: boolean;
  fineLocation: boolean;
  aggressive: boolean;
}

declare class MesiboLocationManager {
  private constructor();
  static getInstance(): MesiboLocationManager;
  /** Asks the browser for places from now on. */
  start(config?: Partial<MesiboLocationConfig>): ResultCode;
  stop(): ResultCode;
  addListener(listener: MesiboListener): boolean;
  removeListener(listener: MesiboListener): boolean;
  /** Wins over the device's for `timeout` seconds, 0 = until `resetLocation`. */
  setLocation(location: Partial<MesiboLocation>, timeout?: number): boolean;
  resetLocation(): void;
  getDeviceLocation(): MesiboLocation | null;
  getCustomLocation(): MesiboLocation | null;
  getLocation(): MesiboLocation | null;
  setAccessLevels(levels: number[]): ResultCode;
  /** While connected, who searches within as many metres finds this user; 0 = nobody (default). */
  setSearchableDistance(metres: number): ResultCode;
  startDistanceTracking(seconds?: number): void;
  stopDistanceTracking(): void;
  /** Metres. */
  getDistanceCovered(): number;
}

/** Places between this user and another one; they go from page to page, the server keeps none. */
export interface MesiboProfileLocation {
  /** For so many seconds, at most a day. */
  share(duration: number, minDistance?: number, sendReal?: boolean): ResultCode;
  endSharing(): ResultCode;
  /** Asks the other page, which decides: `Mesibo_onLocationRequest(profile, duration)`. */
  subscribe(duration: number, maxDistance?: number): ResultCode;
  cancelSubscription(): ResultCode;
  /** 0 nothing, 1 asked for, 2 the other shares. */
  getSubscriptionStatus(): number;
  /** `null` unless the other shares now. */
  get(): MesiboLocation | null;
}

/** Not part of this version: nothing is enabled, no setting is taken. */
declare class MesiboEndToEndEncryption {
  isEnabled(): false;
  isActive(address?: string): false;
  getStatus(address?: string): number;
  enable(on?: boolean): false;
  enableSecureOnly(on?: boolean): false;
  reset(address?: string): false;
  setLevel(...values: any[]): false;
  setCiphers(...values: any[]): false;
  setPassword(...values: any[]): false;
  setAuthenticationTaglen(...values: any[]): false;
  setAuthenticationData(...values: any[]): false;
  setPrivateCertificate(...values: any[]): false;
  setPeerCertificate(...values: any[]): false;
  setConfig(...values: any[]): false;
  getPublicCertificate(): null;
  getPeerCertificateOrg(address?: string): null;
  getPeerCertificateCommonName(address?: string): null;
  getFingerprint(address?: string): null;
  getUserFingerprint(address?: string): null;
  getFingerprintPart(fingerprint: string, index: number): null;
}

/** How an image is to be shown: plain values of the page. */
declare class MesiboMediaProperties {
  crop: MesiboRect | null;
  /** `MESIBO_CROP_GRAVITY_*` */
  gravity: number;
  maxSide: number;
  quality: number;
}
declare class MesiboRect {
  constructor(left?: number, top?: number, right?: number, bottom?: number);
  left: number;
  top: number;
  right: number;
  bottom: number;
}

declare class MesiboGroupMember {
  private constructor();
  getProfile(): MesiboProfile;
  getAddress(): string;
  isOwner(): boolean;
  isAdmin(): boolean;
  getPermissions(): MesiboMemberPermissions;
  profile: MesiboProfile;
  member: MesiboProfile;
  address: string;
}

// ---- messages and presences -----------------------------------------------------------------

declare class MesiboMessageProperties {
  /** A profile, an address, or the number of a group. */
  constructor(destination?: MesiboProfile | string | number);
  /** 0 until it is sent. */
  mid: number;
  /** The sender's half. */
  id: number;
  /** The message it answers, 0 = none. */
  refid: number;
  /** The number of the read session it was read through, 0 when it came by itself. */
  rsid: number;
  /** Milliseconds since 1970. */
  ts: number;
  date: MesiboDateTime | undefined;
  peer: string;
  groupid: number;
  type: number;
  /** Seconds; 0 = only who is online now, -1 = the server's default. */
  expiry: number;
  /** `MESIBO_MSGSTATUS_*` */
  status: number;
  statusFlags: number;
  /** `MESIBO_FLAG_*` */
  flag: number;
  /** `MESIBO_ORIGIN_*` */
  origin: number;
  /** Group message: for how many. */
  rcount: number;
  /** Group message: how many have the current status. */
  rc: number;
  profile: MesiboProfile | null;
  groupProfile: MesiboProfile | null;

  getMessageId(): number;
  setMessageId(id: number): void;
  getStatus(): number;
  setStatus(status: number): void;
  getExpiry(): number;
  setExpiry(seconds: number): void;
  getType(): number;
  setType(type: number): void;
  getOrigin(): number;
  getFlags(): number;
  setFlag(flag: number): void;
  /** Several addresses, a list or with commas between them, make a broadcast. */
  setPeer(address: string | string[]): void;
  setGroup(gid: number): void;
  setInReplyTo(mid: Numeric): void;
  setInReplyToMessage(message: MesiboMessage): void;
  getInReplyTo(): number;
  /** A thread inside the conversation, 0 = none. */
  setThreadId(thread: number): void;
  getThreadId(): number;
  getTimestamp(): MesiboDateTime;
  getProfile(): MesiboProfile | null;
  getPeerProfile(): MesiboProfile | null;
  getGroupProfile(): MesiboProfile | null;
  getSenderProfile(): MesiboProfile | null;
  /** In a status callback: who reported. */
  getCurrentStatusSender(): MesiboProfile | null;
  /** In a status callback: what was reported. */
  getCurrentStatus(): number;
  getDeliveryTimestamp(
    peer?: MesiboProfile | string | null,
    callback?: (at: MesiboDateTime | null) => Answer,
  ): MesiboDateTime | null;
  getReadTimestamp(
    peer?: MesiboProfile | string | null,
    callback?: (at: MesiboDateTime | null) => Answer,
  ): MesiboDateTime | null;
  enableReadReceipt(on?: boolean): void;
  enableDeliveryReceipt(on?: boolean): void;
  enableTransient(on?: boolean): void;
  enablePresence(on?: boolean): void;
  enableBroadcast(on?: boolean): void;
  enableCustom(on?: boolean): void;
  /** `send()` of a message that was sent gives it the new content. */
  enableModify(on?: boolean): void;
  /** Seconds after it was sent, delivered or read that it disappears on both sides; 0 = never. */
  setAge(seconds: number): void;
  getAge(): number;
  setAgeAfterDelivered(seconds: number): void;
  getAgeAfterDelivered(): number;
  setAgeAfterRead(seconds: number): void;
  getAgeAfterRead(): number;
  /** Of the page's own, 32 bits, sent along. */
  setSensitivity(level: number): void;
  getSensitivity(): number;
  setUserData(number: number): void;
  getUserData(): number;
  /** Seconds; of call records. */
  getCallDuration(): number;
  getReadSession(): MesiboReadSession | null;
  /** On this object only. */
  markDeleted(on?: boolean): void;
  markWiped(on?: boolean): void;
  isVideoCall(): boolean;
  isVoiceCall(): boolean;
  isPstnCall(): boolean;
  isDynamic(): boolean;
  isEndToEndEncrypted(): boolean;
  isEndToEndEncryptionStatus(): boolean;
  isChatListMessage(): boolean;
  compare(address: string | MesiboMessageProperties | null, gid?: Numeric): boolean;
  isFromSamePeer(other: MesiboMessageProperties): boolean;
  isDestinedFor(profile: MesiboProfile): boolean;
  isIncoming(): boolean;
  isOutgoing(): boolean;
  isInOutbox(): boolean;
  isPending(): boolean;
  isSent(): boolean;
  isDelivered(): boolean;
  isReadByPeer(): boolean;
  isReadByUs(): boolean;
  isUnread(): boolean;
  isFailed(): boolean;
  isMessageStatusInProgress(): boolean;
  isMessage(): boolean;
  isDate(): boolean;
  isHeader(): boolean;
  isInvisible(): boolean;
  isCustom(): boolean;
  isSavedMessage(): boolean;
  isCall(): boolean;
  isMissedCall(): boolean;
  isIncomingCall(): boolean;
  isOutgoingCall(): boolean;
  isGroupMessage(): boolean;
  isRealtimeMessage(): boolean;
  isDbMessage(): boolean;
  isDbSummaryMessage(): boolean;
  isDbPendingMessage(): boolean;
  isPendingMessage(): boolean;
  isLastMessage(): boolean;
  isReply(): boolean;
  isForwarded(): boolean;
  /** Changed after it was sent. */
  isModified(): boolean;
  isModifiedByPeer(): boolean;
  /** Changed since this page was first given it. */
  isUpdated(): boolean;
  isDeleted(): boolean;
  isWiped(): boolean;
  isDeletedOrExpired(): boolean;
  isPresence(): boolean;
  /** Whatever the page hangs on it. */
  [name: string]: any;
}

/** How a message behaves; in brackets the defaults. */
export interface MessageBehaviour {
  /** The file goes by its name (true). */
  sendFileName: boolean;
  /** With a picture of its file (true). */
  sendThumbnail: boolean;
  /** `forward` says that it was forwarded (true). */
  markForwarded: boolean;
  matureContent: boolean;
  emojify: boolean;
  contentRating: number;
  /** Pixels (400). */
  thumbnailMaxSide: number;
  [name: string]: boolean | number;
}

declare class MesiboMessage extends MesiboMessageProperties {
  message: string | undefined;
  data: Uint8Array | undefined;
  title: string | undefined;
  subtitle: string | undefined;
  footer: string | undefined;
  /** Degrees, -720 = none. */
  latitude: number;
  longitude: number;
  /** `MESIBO_FILETYPE_*` */
  filetype: number | undefined;
  fileurl: string | undefined;
  launchurl: string | undefined;
  size: number | undefined;
  /** An image of the file. */
  tn: Uint8Array | undefined;

  /** `undefined` without a file. */
  get file(): MesiboFile | undefined;
  set file(content: FileContent | undefined);

  /** Copies these behaviour fields into later messages; `initDefaults` restores them. */
  static setDefaults(behaviour: Partial<MessageBehaviour>): void;
  static initDefaults(): void;

  canSend(): boolean;
  send(): ResultCode;
  /** Kept here and never sent: status CUSTOM. */
  save(): ResultCode;
  /** For who is there now; stored nowhere. */
  sendPresence(): ResultCode;
  /** There is no webhook: a failure. */
  sendToWebhook(): ResultCode;
  setTitle(title: string): void;
  getTitle(): string | undefined;
  setSubtitle(subtitle: string): void;
  getSubtitle(): string | undefined;
  setFooter(footer: string): void;
  getFooter(): string | undefined;
  setMessage(text: string): void;
  setData(data: Uint8Array | ArrayBuffer): void;
  getContent(): Uint8Array | string | undefined;
  setLatitude(degrees: number): void;
  getLatitude(): number;
  setLongitude(degrees: number): void;
  getLongitude(): number;
  isMatureContent(): boolean;
  setMediaProperties(properties: Partial<MesiboMediaProperties>): boolean;
  /** A picture of the page's own instead of the one that is made. */
  setThumbnail(picture: string | Blob | Uint8Array | ArrayBuffer | HTMLElement): boolean;
  replaceThumbnail(picture: string | Blob | Uint8Array | ArrayBuffer | HTMLElement): boolean;
  replaceThumbnailImage(picture: string | Blob | Uint8Array | ArrayBuffer | HTMLElement): boolean;
  /** There is no map service: `false`. */
  replaceThumbnailWithLocation(zoom: number, key?: string): boolean;
  resend(): boolean;

  /** `false` when there is nothing to send in it. What it gives is read at once. */
  setContent(content: FileContent | null): boolean;
  /** `MESIBO_FILETYPE_*` */
  setContentType(type: number): void;
  sendFileURL(url: string, type: number): ResultCode;
  hasFile(): boolean;
  getFile(): MesiboFile | null;
  /** There is a URL that an element can show. */
  isFileReady(): boolean;
  isFilePending(): boolean;
  getFileType(): number | null;
  getMimeType(): string | null;
  getFileName(): string | null;
  getFileSize(): number | null;
  getFilePath(): string | null;
  isImage(): boolean;
  isVideo(): boolean;
  isAudio(): boolean;
  isDocument(): boolean;
  hasImage(): boolean;
  hasVideo(): boolean;
  hasAudio(): boolean;
  hasDocument(): boolean;
  hasThumbnail(): boolean;
  /** A URL for `img.src`. */
  getThumbnail(): string | null;
  // As an entry of a list a message is a contact as well: with whom, their name and picture.
  address: string;
  name: string;
  picture: string | undefined;
  lastMessage: MesiboMessage | null;
  /** Of a group, with commas between them, when the page has said them (`setContact`). */
  members: string | undefined;
  /** 0 to 100. */
  getProgress(): number;
  isFileTransferInProgress(): boolean;
  isFileTransferRequired(): boolean;
  isFileTransferFailed(): boolean;
  isUploadRequired(): boolean;
  isDownloadRequired(): boolean;
  startFileTransfer(priority?: number): boolean;
  stopFileTransfer(): boolean;
  toggleFileTransfer(priority?: number): boolean;
  /** Gives a sent message the fields it has now; own ones, for an hour. */
  sendUpdate(): ResultCode;
  /** Removes it from the own devices. */
  delete(): Promise<boolean>;
  /** Erases what it says on this device; its place stays. */
  wipe(): Promise<boolean>;
  /** Takes it back from everybody; own ones, for an hour. */
  recall(): Promise<boolean>;
  wipeAndRecall(): Promise<boolean>;
  /** Whether it may still be edited or recalled. */
  mayBeRetracted(): boolean;
  /** An unsent message with the same content. */
  forward(to: MesiboProfile | string | number): MesiboMessage;
  setForwarded(mids: Numeric[]): void;
  setForwardedMid(mid: Numeric): void;
  /** An unsent answer, to the conversation or to the sender alone. */
  reply(): MesiboMessage;
  replyToPeer(): MesiboMessage;
  /** The message this one answers: in memory now, else `null`; the callback gets it later. */
  getRepliedToMessage(callback?: (message: MesiboMessage | null) => Answer): MesiboMessage | null;
  /** Anything of the page's, not sent. */
  setObject(object: unknown): void;
  getObject(): unknown;
  setUiContext(context: unknown): void;
  getUiContext(): unknown;
  hasLocation(): boolean;
  isRichMessage(): boolean;
  isPlainMessage(): boolean;
  /** A separator with the date of this message. */
  /** `getTimestamp().getDate(...)`. */
  getDate(monthFirst?: boolean, today?: string, yesterday?: string): string;
  /** `getDate`, as pages of 2022 call it. */
  getDateVerbal(monthFirst?: boolean, today?: string, yesterday?: string): string;
  /** `getTimestamp().getTime(seconds)`. */
  getTime(seconds?: boolean): string;
  cloneDate(): MesiboMessage;
}

/** The file of a message, as it is now. */
export interface MesiboFile {
  /** `MESIBO_FILETYPE_*` */
  type: number;
  subtype: number;
  /** What an element can show now: of a blob, before it is uploaded. */
  url: string;
  path: string;
  name: string;
  mimeType: string;
  size: number;
  progress: number;
  source: number;
  object: Blob | Promise<Blob> | undefined;
  /** Shows a picture in an `img`, given by itself or its DOM id. */
  loadImageFromCache(image: string | HTMLImageElement): void;
  [name: string]: any;
}

/** A file on its way. */
declare class MesiboFileTransfer {
  private constructor();
  upload: boolean;
  priority: number;
  /** 0 to 100. */
  progress: number;
  mid: number;
  ts: number;
  origin: number;
  /** `MESIBO_FILESOURCE_*` */
  source: number;
  imageIndex: number;
  secure: boolean;
  externalLink: boolean;
  /** It is there. */
  result: boolean;
  inProgress: boolean;
  notifyProgress: boolean;
  getPath(): Blob | string;
  getUrl(): string;
  getUserObject(): MesiboMessage;
  start(): boolean;
  /** Not later: its message fails, until the page sends it again. */
  cancel(retryLater?: boolean): boolean;
  setProgress(percent: number): boolean;
  setResult(ok: boolean, url?: string): boolean;
  setFileTransferContext(context: unknown): void;
  getFileTransferContext(): unknown;
  [name: string]: any;
}

/** A request of the page to a server of its own. */
declare class MesiboHttp {
  url: string;
  proxy: string;
  post: string | undefined;
  postBundle: Record<string, string> | undefined;
  contentType: string | undefined;
  extraHeaders: Record<string, string>;
  /** HTTP status, 0 when there was no answer. */
  respCode: number;
  result: boolean;
  setUrl(url: string | URL): void;
  /** An object goes as JSON or as a form, text as it is. */
  setPostData(data: object | string | null, isJson?: boolean): void;
  /** The callback is called exactly once; `null` when there was no answer. */
  send<Data>(data?: Data, callback?: (data: Data, text: string | null) => Answer): boolean;
  execute(): boolean;
  cancel(): void;
  getData(): Uint8Array | null;
  getDataString(): string | null;
}

declare class MesiboPresence extends MesiboMessageProperties {
  /** `MESIBO_PRESENCE_*` or a number of the page's own. */
  presence: number;
  value: number;
  interval: number;

  send(presence?: number, value?: number, interval?: number): ResultCode;
  sendActivity(activity: number, value?: number, interval?: number): ResultCode;
  sendTyping(): ResultCode;
  sendTypingCleared(): ResultCode;
  sendJoined(): ResultCode;
  sendLeft(): ResultCode;
  sendOnline(): ResultCode;
  sendOffline(): ResultCode;
  sendRequest(): ResultCode;
  sendChatting(): ResultCode;
  isRequest(): boolean;
  isOnline(): boolean;
  isOffline(): boolean;
  isTyping(): boolean;
  isTypingCleared(): boolean;
  isChatting(): boolean;
  hasJoined(): boolean;
  hasLeft(): boolean;
}

// ---- reading --------------------------------------------------------------------------------

/** A listener, or a function that is told the number of messages of each read. */
export type SessionListener =
  MesiboListener | ((this: MesiboReadSession, count: number) => Answer) | null;

declare class MesiboReadSession {
  constructor(listener?: SessionListener);
  static createReadSession(listener?: SessionListener): MesiboReadSession;
  static createReadSummarySession(listener?: SessionListener): MesiboReadSession;
  /** The active session of this number. */
  static getSession(id: number): MesiboReadSession | null;
  static endAllSessions(): void;

  /** The next older messages; 0 when the end is already known. */
  read(count?: number): number;
  /** Always the same array, brought up to date before any callback. */
  getMessages(): MesiboMessage[];
  deleteMessage(mid: Numeric): Promise<boolean>;
  messages: MesiboMessage[];
  /**
   * Asks the server for older messages than the database has, 100 unless said otherwise and at most
   * 256; as soon as there is a connection. `Mesibo_onSync` tells how many came: read again then.
   */
  sync(count?: number, listener?: SessionListener): void;
  getUnreadCount(callback?: (count: number) => Answer): number;
  start(): ResultCode;
  stop(): void;
  restart(): void;
  enableReadReceipt(on?: boolean): void;
  /** Oldest first; before the first read. */
  enableFifo(on?: boolean): void;
  /** The newest message of every conversation; before the first read. */
  enableSummary(on?: boolean): void;
  /** Only messages with this text in message, title, subtitle or file name, whatever its case. */
  setQuery(text: string | null): void;
  /** Only this thread, 0 = all. */
  setThreadId(thread: number): void;
  /** Only messages of threads; default off. */
  enableThreads(on?: boolean): void;
  /** Only messages with files; default off. */
  enableFiles(on?: boolean): void;
  /** Messages that are no call records; default on. */
  enableMessages(on?: boolean): void;
  /** Call records; default on. */
  enableCalls(on?: boolean): void;
  enableMissedCalls(on?: boolean): void;
  enableIncomingCalls(on?: boolean): void;
  enableOutgoingCalls(on?: boolean): void;
  /** Of a `MESIBO_MSGSTATUS_*` (missing: all). */
  getMessageCount(
    status?: number | ((count: number) => Answer),
    callback?: (count: number) => Answer,
  ): number;
  /** What was counted last; the callback gets what is true now. */
  getTotalMessageCount(callback?: (count: number) => Answer): number;
  /** Sent ones that have not failed. */
  getSentMessageCount(callback?: (count: number) => Answer): number;
  getReceivedMessageCount(callback?: (count: number) => Answer): number;
  getFailedMessageCount(callback?: (count: number) => Answer): number;
  getUnreadMessageCount(callback?: (count: number) => Answer): number;
  /** A session with receipts is open for the conversation of this message. */
  isReading(message: MesiboMessageProperties): boolean;
  isSummary(): boolean;
  getProfile(): MesiboProfile | null;
  getSession(): number;
  /** Whatever the page hangs on it. */
  [name: string]: any;
}

declare class MesiboDateTime {
  constructor(ts: number);
  ts: number;
  year: number;
  /** 1 to 12 */
  month: number;
  day: number;
  hour: number;
  min: number;
  sec: number;
  /** 0 = Sunday */
  wday: number;
  /**
   * `getDate()` when it is looked at, "Today" and "Yesterday" of those days, for pages of the first
   * generation; goes through `postMessage`.
   */
  readonly date: string;
  /** `getTime()`, likewise. */
  readonly time: string;
  /** `getDaysElapsed()`, likewise. */
  readonly yd: number;
  /** `getDaysElapsed()`, for pages of 2022. */
  readonly daysElapsed: number;
  setTimestamp(ts: number): void;
  getDate(monthFirst?: boolean, today?: string, yesterday?: string, numerical?: boolean): string;
  getTime(seconds?: boolean): string;
  getDaysElapsed(): number;
  getSecondsElapsed(): number;
  getDateInNaturalLanguage(accuracy?: number): string;
  getNumericalDate(): string;
  getMonthName(): string;
  isToday(): boolean;
  isYesterday(): boolean;
  isValid(): boolean;
  static setDefaultRelativeDateText(today: string | null, yesterday: string | null): void;
  static setDefaultDateFormat(monthFirst: boolean): void;
  static setMonthName(index: number, name: string): void;
  static isMonthFirstDateFormat(): boolean;
  static is24HourTimeFormat(): boolean;
}

// ---- group calls ----------------------------------------------------------------------------

declare class MesiboGroupCall {
  private constructor();
  /** First generation: which room. */
  setRoom(gid: Numeric): boolean;
  /** `admin` hears what admins ask of this page; without it `listener` does. */
  join(
    listener?: MesiboGroupCallListener | null,
    admin?: MesiboGroupCallAdminListener | null,
  ): void;
  leave(): void;
  createPublisher(sid?: Numeric): MesiboParticipant;
  publish(sid?: Numeric): MesiboParticipant;
  getLocalParticipant(name: string, address?: string): MesiboParticipant;
  getLocalParticipant(sid: number, name: string, address: string): MesiboParticipant;
  getParticipants(): MesiboParticipant[];
  /** Who has the word by the server's ears, then who has spoken last; own streams too. */
  getSpeakers(): MesiboParticipant[];
  /**
   * Has the server record all that is sent here, one file for each stream, kept with the media of the
   * group. `false`, and a line in the console, without the right to (`MESIBO_MEMBERFLAG_RECORD`).
   */
  startRecording(): boolean;
  stopRecording(): boolean;
  /** Told by `MesiboGroupcall_OnRecording` when it changes. */
  isRecording(): boolean;
  /** Whether the own rights allow to begin and end recordings; known once the room is entered. */
  canRecord(): boolean;
  /** Whether the own rights allow to control others' calls. */
  hasAdminPermissions(hangup?: boolean): boolean;
  /** `null` without the right to control calls (`MESIBO_ADMINFLAG_CALLCONTROL`). */
  getAdmin(): MesiboGroupCallAdmin | null;
  /**
   * Where sound comes from: `MESIBO_AUDIODEVICE_*` or the id of a device; `false` where the browser
   * lets no page choose.
   */
  setAudioDevice(device: number | string, enable?: boolean): boolean;
  /** `volume` 0 to 1; `loops` more times, -1 without end. */
  playInCallSound(url: string, volume?: number, loops?: number): void;
  stopInCallSound(): void;
  /** Orders participants and places them in a grid of `width` by `height` pixels. */
  sortStreams<View>(
    listener: MesiboParticipantSortListener<View> | null,
    views: View[],
    width: number,
    height: number,
    start?: number,
    size?: number,
    params?: MesiboParticipantSortParams | null,
  ): View[];
}

/** Tells `sortStreams` whose a view is, and hears where it belongs. */
export interface MesiboParticipantSortListener<View> {
  ParticipantSort_onGetParticipant?(view: View): MesiboParticipant;
  /** Pixels from the upper left corner. */
  ParticipantSort_onSetCoordinates?(
    view: View,
    position: number,
    x: number,
    y: number,
    width: number,
    height: number,
  ): void;
}

/** What comes first, and which shape a cell has (width by height). */
export interface MesiboParticipantSortParams {
  orderedBySelf?: boolean;
  orderedByTalking?: boolean;
  orderedByVideo?: boolean;
  orderedByName?: boolean;
  /** Cells have the shape of their picture. */
  forceAspectRatio?: boolean;
  /** Upright cells where the place is upright. */
  flexibleOrientation?: boolean;
  /** Default 16/9. */
  maxHorzAspectRatio?: number;
  /** Default 9/16. */
  minVertAspectRation?: number;
}

/** What an admin asks of several participants, or of all but itself. */
declare class MesiboGroupCallAdmin {
  private constructor();
  /** `enable`: mute, else unmute. */
  mute(participants: MesiboParticipant[], audio: boolean, video: boolean, enable: boolean): void;
  muteAll(audio: boolean, video: boolean, enable: boolean): void;
  /** They stop to publish. */
  hangup(participants: MesiboParticipant[]): void;
  /** They leave the room. */
  hangupAll(): void;
  fullscreen(participant: MesiboParticipant): void;
}

/** What an admin asks of one participant. */
declare class MesiboParticipantAdmin {
  private constructor();
  /** `enable`: mute, else unmute. */
  mute(audio: boolean, video: boolean, enable: boolean): void;
  /** The state that was asked for: `true` = muted. */
  toggleAudioMute(): boolean;
  toggleVideoMute(): boolean;
  /** It stops to publish. */
  hangup(): void;
  /** It is asked to publish its stream `sid`. */
  publish(sid?: number, source?: number, index?: number, audio?: boolean, video?: boolean): void;
  /** It is asked to watch this one. */
  subscribe(publisher: MesiboParticipant, audio?: boolean, video?: boolean): void;
}

/** Options of a call of the first generation. */
export interface CallOptions {
  /** 1 camera, 2 or 4 screen. */
  source?: number | "camera" | "screen";
  name?: string;
  groupid?: Numeric;
  audio?: boolean;
  video?: boolean;
  [name: string]: any;
}

declare class MesiboParticipant {
  private constructor();
  getUid(): number;
  getId(): number;
  getSid(): number;
  getType(): number;
  getAddress(): string;
  getName(): string;
  setName(name: string): void;
  getProfile(): MesiboProfile | null;
  isLocal(): boolean;
  isMe(): boolean;
  isPublisher(): boolean;
  getGroupCall(): MesiboGroupCall | null;

  call(audio?: boolean, video?: boolean, listener?: MesiboGroupCallListener | null): boolean;
  call(
    audio: boolean,
    video: boolean,
    audioMute: boolean,
    videoMute: boolean,
    listener: MesiboGroupCallListener,
  ): boolean;
  call(
    options: CallOptions | null,
    element?: ElementOrId | null,
    onStream?: (participant: MesiboParticipant) => Answer,
    onStatus?: (participant: MesiboParticipant, status: number, video: boolean) => Answer,
  ): boolean;
  setListener(listener: MesiboGroupCallListener | null): void;
  /** `MESIBOCALL_VIDEOSOURCE_*`, and which one of them. */
  setVideoSource(source: number, index?: number): void;
  getVideoSource(): number;
  /** The element may come later: it is looked for every `interval` ms, `tries` times. */
  setVideoView(
    element: ElementOrId,
    callback?: ((attached: boolean) => Answer) | null,
    interval?: number,
    tries?: number,
  ): void;
  attach(
    element: ElementOrId,
    callback?: ((attached: boolean) => Answer) | null,
    interval?: number,
    tries?: number,
  ): void;
  getVideoView(): HTMLVideoElement | null;
  getPlayer(): HTMLVideoElement | null;
  hangup(): boolean;
  isCallInProgress(): boolean;
  isCallConnected(): boolean;
  hasAudio(): boolean;
  hasVideo(): boolean;
  isVideoCall(): boolean;
  getAspectRatio(): number;
  isVideoLandscape(): boolean;
  /**
   * How its media does, by this browser; `null` while nothing is sent or received. Rates are of the
   * time since the last time they were asked for, so ask now and then.
   */
  getStats(): Promise<MesiboParticipantStats | null>;

  toggleAudioMute(): boolean;
  toggleVideoMute(): boolean;
  toggleMute(video: boolean): boolean;
  mute(audio: boolean, video: boolean, enable: boolean): void;
  /** Without `remote`: muted by anybody; `false`: here; `true`: by the publisher. */
  getMuteStatus(video?: boolean, remote?: boolean): boolean;
  muteStatus(video?: boolean, remote?: boolean): boolean;
  isTalking(): boolean;
  /** When it was heard to begin or end talking last, server's time, ms; 0 = never. */
  getTalkTimestamp(): number;
  getTalkTimstamp(): number;

  /** The other side of a phone, the next camera of a desk. */
  switchCamera(): void;
  /** From camera to screen and back, or to this `MESIBOCALL_VIDEOSOURCE_*`. */
  switchSource(source?: number): void;
  changeSource(source?: number): void;
  isFrontCamera(): boolean;
  /** Pixels and frames a second; 0 leaves it to the camera. */
  changeVideoFormat(width: number, height: number, fps: number): void;

  /** An own stream: how others should show it. Another's: how important it is here. */
  setVisibility(visible?: boolean, fullscreen?: boolean, priority?: number): boolean;
  setVisible(visible?: boolean): boolean;
  setFullscreen(fullscreen?: boolean): boolean;
  /** First generation: the browser shows its view and nothing else, too. */
  fullScreen(on?: boolean): boolean;
  /** 0 to 65535, higher first. */
  setPriority(priority: number): boolean;
  isVisible(): boolean;
  isFullscreen(): boolean;
  getPriority(): number;

  getUserData(): any;
  setUserData(data: any): void;
  /** `null` without the right to control calls. */
  getAdmin(): MesiboParticipantAdmin | null;
  adminMute(audio: boolean, video: boolean, enable: boolean): void;

  /** Whatever the page hangs on it. */
  [name: string]: any;
}

export type {
  Mesibo,
  MesiboContactSynchronizer,
  MesiboDateTime,
  MesiboFileTransfer,
  MesiboGroupCall,
  MesiboGroupCallAdmin,
  MesiboGroupMember,
  MesiboGroupPin,
  MesiboGroupProfile,
  MesiboGroupSettings,
  MesiboHttp,
  MesiboMemberPermissions,
  MesiboMessage,
  MesiboMessageProperties,
  MesiboParticipant,
  MesiboParticipantAdmin,
  MesiboPresence,
  MesiboProfile,
  MesiboProfileImage,
  MesiboReadSession,
  MesiboSelfProfile,
};

/** What `init` resolves to, and what the classic script adds to the global object. */
export interface Api extends Constants {
  readonly Mesibo: typeof Mesibo;
  readonly MesiboProfile: typeof MesiboProfile;
  readonly MesiboGroupProfile: typeof MesiboGroupProfile;
  readonly MesiboSelfProfile: typeof MesiboSelfProfile;
  readonly MesiboGroupMember: typeof MesiboGroupMember;
  readonly MesiboGroupSettings: typeof MesiboGroupSettings;
  readonly MesiboMemberPermissions: typeof MesiboMemberPermissions;
  readonly MesiboGroupPin: typeof MesiboGroupPin;
  readonly MesiboProfileImage: typeof MesiboProfileImage;
  readonly MesiboContactSynchronizer: typeof MesiboContactSynchronizer;
  readonly MesiboProfileSearch: typeof MesiboProfileSearch;
  readonly MesiboLocation: typeof MesiboLocation;
  readonly MesiboLocationConfig: typeof MesiboLocationConfig;
  readonly MesiboLocationManager: typeof MesiboLocationManager;
  readonly MesiboEndToEndEncryption: typeof MesiboEndToEndEncryption;
  readonly MesiboMediaProperties: typeof MesiboMediaProperties;
  readonly MesiboRect: typeof MesiboRect;
  readonly MesiboGroupCall: typeof MesiboGroupCall;
  readonly MesiboParticipant: typeof MesiboParticipant;
  readonly MesiboGroupCallAdmin: typeof MesiboGroupCallAdmin;
  readonly MesiboParticipantAdmin: typeof MesiboParticipantAdmin;
  readonly MesiboReadSession: typeof MesiboReadSession;
  readonly MesiboMessageProperties: typeof MesiboMessageProperties;
  readonly MesiboMessage: typeof MesiboMessage;
  readonly MesiboPresence: typeof MesiboPresence;
  readonly MesiboDateTime: typeof MesiboDateTime;
  readonly MesiboFileTransfer: typeof MesiboFileTransfer;
  readonly MesiboHttp: typeof MesiboHttp;
  /** UTF-8 bytes to text; bounds are clipped. */
  array2String(
    data: Uint8Array | ArrayBuffer | null | undefined,
    offset?: number,
    length?: number,
  ): string;
}

/** The constants, with the values of `constants.js`. */
export interface Constants {
  readonly MESIBO_STATUS_UNKNOWN: 0;
  readonly MESIBO_STATUS_NONETWORK: 8;
  readonly MESIBO_STATUS_ONLINE: 1;
  readonly MESIBO_STATUS_ONPREMISEERROR: 9;
  readonly MESIBO_STATUS_OFFLINE: 2;
  readonly MESIBO_STATUS_SUSPEND: 10;
  readonly MESIBO_STATUS_SIGNOUT: 3;
  readonly MESIBO_STATUS_UPDATE: 20;
  readonly MESIBO_STATUS_AUTHFAIL: 4;
  readonly MESIBO_STATUS_MANDUPDATE: 21;
  readonly MESIBO_STATUS_STOPPED: 5;
  readonly MESIBO_STATUS_SHUTDOWN: 22;
  readonly MESIBO_STATUS_CONNECTING: 6;
  readonly MESIBO_STATUS_ACTIVITY: -1;
  readonly MESIBO_STATUS_CONNECTFAILURE: 7;
  readonly MESIBO_MSGSTATUS_OUTBOX: 0;
  readonly MESIBO_MSGSTATUS_SENT: 1;
  readonly MESIBO_MSGSTATUS_DELIVERED: 2;
  readonly MESIBO_MSGSTATUS_READ: 3;
  readonly MESIBO_MSGSTATUS_RECEIVEDNEW: 18;
  readonly MESIBO_MSGSTATUS_RECEIVEDREAD: 19;
  readonly MESIBO_MSGSTATUS_CALLMISSED: 21;
  readonly MESIBO_MSGSTATUS_CALLINCOMING: 22;
  readonly MESIBO_MSGSTATUS_CALLOUTGOING: 23;
  readonly MESIBO_MSGSTATUS_CUSTOM: 32;
  readonly MESIBO_MSGSTATUS_DELETED: 33;
  readonly MESIBO_MSGSTATUS_WIPED: 34;
  readonly MESIBO_MSGSTATUS_E2E: 35;
  readonly MESIBO_MSGSTATUS_DATETIME: 36;
  readonly MESIBO_MSGSTATUS_HEADER: 37;
  readonly MESIBO_MSGSTATUS_INVISIBLE: 38;
  readonly MESIBO_MSGSTATUS_EMPTY: 39;
  readonly MESIBO_MSGSTATUS_TIMESTAMP: 48;
  readonly MESIBO_MSGSTATUS_FAIL: 128;
  readonly MESIBO_MSGSTATUS_USEROFFLINE: 129;
  readonly MESIBO_MSGSTATUS_INBOXFULL: 130;
  readonly MESIBO_MSGSTATUS_INVALIDDEST: 131;
  readonly MESIBO_MSGSTATUS_EXPIRED: 132;
  readonly MESIBO_MSGSTATUS_BLOCKED: 136;
  readonly MESIBO_MSGSTATUS_GROUPPAUSED: 144;
  readonly MESIBO_MSGSTATUS_NOTMEMBER: 145;
  readonly MESIBO_RESULT_OK: 0;
  readonly MESIBO_RESULT_FAIL: 128;
  readonly MESIBO_RESULT_GENERROR: 129;
  readonly MESIBO_RESULT_NOSUCHERROR: 131;
  readonly MESIBO_RESULT_INBOXFULL: 132;
  readonly MESIBO_RESULT_BADREQ: 133;
  readonly MESIBO_RESULT_OVERCAPACITY: 134;
  readonly MESIBO_RESULT_RETRYLATER: 135;
  readonly MESIBO_RESULT_E2EERROR: 138;
  readonly MESIBO_RESULT_RATELIMIT: 140;
  readonly MESIBO_RESULT_TIMEOUT: 176;
  readonly MESIBO_RESULT_CONNECTFAIL: 177;
  readonly MESIBO_RESULT_DISCONNECTED: 178;
  readonly MESIBO_RESULT_REQINPROGRESS: 179;
  readonly MESIBO_RESULT_BUFFERFULL: 180;
  readonly MESIBO_RESULT_AUTHFAIL: 192;
  readonly MESIBO_RESULT_DENIED: 193;
  readonly MESIBO_FLAG_DELIVERYRECEIPT: 1;
  readonly MESIBO_FLAG_READRECEIPT: 2;
  readonly MESIBO_FLAG_DEFAULT: 3;
  readonly MESIBO_FLAG_TRANSIENT: 4;
  readonly MESIBO_FLAG_PRESENCE: 8;
  readonly MESIBO_FLAG_BROADCAST: 32;
  readonly MESIBO_FLAG_FILETRANSFERRED: 65536;
  readonly MESIBO_FLAG_FILEFAILED: 131072;
  readonly MESIBO_FLAG_QUEUE: 262144;
  readonly MESIBO_FLAG_NONBLOCKING: 524288;
  readonly MESIBO_FLAG_DONTSEND: 2097152;
  readonly MESIBO_FLAG_LASTMESSAGE: 8388608;
  readonly MESIBO_FLAG_SAVECUSTOM: 33554432;
  readonly MESIBO_FLAG_EORS: 67108864;
  readonly MESIBO_FLAG_EOR: 67108864;
  readonly MESIBO_FLAG_EOM: 8388608;
  readonly MESIBO_ORIGIN_REALTIME: 0;
  readonly MESIBO_ORIGIN_DBMESSAGE: 1;
  readonly MESIBO_ORIGIN_DBSUMMARY: 2;
  readonly MESIBO_ORIGIN_PENDING: 3;
  readonly MESIBO_ORIGIN_DBPENDING: 3;
  readonly MESIBO_ORIGIN_FILTER: 4;
  readonly MESIBO_ORIGIN_MESSAGESTATUS: 5;
  readonly MESIBO_READFLAG_READRECEIPT: 1;
  readonly MESIBO_READFLAG_SENDLAST: 2;
  readonly MESIBO_READFLAG_FIFO: 4;
  readonly MESIBO_READFLAG_SUMMARY: 16;
  readonly MESIBO_READFLAG_SENDEOR: 32;
  readonly MESIBO_READFLAG_WITHFILES: 128;
  readonly MESIBO_PRESENCE_NONE: 0;
  readonly MESIBO_PRESENCE_REQUEST: 0;
  readonly MESIBO_PRESENCE_ONLINE: 1;
  readonly MESIBO_PRESENCE_OFFLINE: 2;
  readonly MESIBO_PRESENCE_TYPING: 3;
  readonly MESIBO_PRESENCE_TYPINGCLEARED: 4;
  readonly MESIBO_PRESENCE_CHATTING: 5;
  readonly MESIBO_PRESENCE_JOINED: 10;
  readonly MESIBO_PRESENCE_LEFT: 11;
  readonly MESIBO_PRESENCE_RESERVED: 255;
  readonly MESIBO_ACTIVITY_NONE: 0;
  readonly MESIBO_ACTIVITY_ONLINE: 1;
  readonly MESIBO_ACTIVITY_ONLINERESP: 2;
  readonly MESIBO_ACTIVITY_TYPING: 3;
  readonly MESIBO_ACTIVITY_TYPINGCLEARED: 4;
  readonly MESIBO_ACTIVITY_JOINED: 10;
  readonly MESIBO_ACTIVITY_LEFT: 11;
  readonly MESIBO_RETRACT_MODIFY: 1;
  readonly MESIBO_RETRACT_WIPE: 2;
  readonly MESIBO_RETRACT_DELETE: 4;
  readonly MESIBO_RETRACT_DELUNREAD: 16;
  readonly MESIBO_RETRACT_DELREAD: 32;
  readonly MESIBO_RETRACT_DELMEDIA: 64;
  readonly MESIBO_RETRACT_DELTHREAD: 128;
  readonly MESIBO_RETRACT_DELALL: 256;
  readonly MESIBO_RETRACT_DELCONTACT: 4096;
  readonly MESIBO_DELETE_DEFAULT: -1;
  readonly MESIBO_DELETE_LOCAL: 0;
  readonly MESIBO_DELETE_RECALL: 1;
  readonly MESIBO_DELETE_REMOVE: 2;
  readonly MESIBO_CALLSTATUS_NONE: 0;
  readonly MESIBO_CALLSTATUS_COMPLETE: 64;
  readonly MESIBO_CALLSTATUS_INCOMING: 1;
  readonly MESIBO_CALLSTATUS_CANCEL: 65;
  readonly MESIBO_CALLSTATUS_INPROGRESS: 2;
  readonly MESIBO_CALLSTATUS_NOANSWER: 66;
  readonly MESIBO_CALLSTATUS_RINGING: 3;
  readonly MESIBO_CALLSTATUS_BUSY: 67;
  readonly MESIBO_CALLSTATUS_ANSWER: 5;
  readonly MESIBO_CALLSTATUS_UNREACHABLE: 68;
  readonly MESIBO_CALLSTATUS_UPDATE: 6;
  readonly MESIBO_CALLSTATUS_OFFLINE: 69;
  readonly MESIBO_CALLSTATUS_DTMF: 7;
  readonly MESIBO_CALLSTATUS_INVALIDDEST: 70;
  readonly MESIBO_CALLSTATUS_SDP: 8;
  readonly MESIBO_CALLSTATUS_INVALIDSTATE: 71;
  readonly MESIBO_CALLSTATUS_MUTE: 9;
  readonly MESIBO_CALLSTATUS_NOCALLS: 72;
  readonly MESIBO_CALLSTATUS_UNMUTE: 10;
  readonly MESIBO_CALLSTATUS_NOVIDEOCALLS: 73;
  readonly MESIBO_CALLSTATUS_HOLD: 11;
  readonly MESIBO_CALLSTATUS_NOTALLOWED: 74;
  readonly MESIBO_CALLSTATUS_UNHOLD: 12;
  readonly MESIBO_CALLSTATUS_BLOCKED: 75;
  readonly MESIBO_CALLSTATUS_DUREXCEED: 19;
  readonly MESIBO_CALLSTATUS_DURATIONEXCEEDED: 76;
  readonly MESIBO_CALLSTATUS_SRCRINGING: 20;
  readonly MESIBO_CALLSTATUS_SWITCHED: 77;
  readonly MESIBO_CALLSTATUS_SRCANSWERED: 21;
  readonly MESIBO_CALLSTATUS_AUTHFAIL: 80;
  readonly MESIBO_CALLSTATUS_USERINPUT: 22;
  readonly MESIBO_CALLSTATUS_NOCREDITS: 81;
  readonly MESIBO_CALLSTATUS_PING: 33;
  readonly MESIBO_CALLSTATUS_NONTRINGMEDEST: 82;
  readonly MESIBO_CALLSTATUS_INFO: 35;
  readonly MESIBO_CALLSTATUS_INCOMPATIBLE: 83;
  readonly MESIBO_CALLSTATUS_ECHO: 36;
  readonly MESIBO_CALLSTATUS_BADCALLID: 84;
  readonly MESIBO_CALLSTATUS_REDIRECT: 37;
  readonly MESIBO_CALLSTATUS_ERROR: 96;
  readonly MESIBO_CALLSTATUS_CHANNELUP: 48;
  readonly MESIBO_CALLSTATUS_HWERROR: 97;
  readonly MESIBO_CALLSTATUS_CONNECTED: 48;
  readonly MESIBO_CALLSTATUS_NETWORKERROR: 98;
  readonly MESIBO_CALLSTATUS_QUALITY: 49;
  readonly MESIBO_CALLSTATUS_NETWORKBLOCKED: 99;
  readonly MESIBO_CALLSTATUS_RECONNECTING: 50;
  readonly MESIBO_CALLFLAG_AUDIO: 1;
  readonly MESIBO_CALLFLAG_VIDEO: 2;
  readonly MESIBO_CALLFLAG_STARTCALL: 4;
  readonly MESIBO_CALLFLAG_CALLWAITING: 8;
  readonly MESIBO_CALLFLAG_WIFI: 16;
  readonly MESIBO_CALLFLAG_SLOWNETWORK: 32;
  readonly MESIBO_CALLFLAG_MISSED: 4096;
  readonly MESIBO_MUTESTATUS_AUDIO: 1;
  readonly MESIBO_MUTESTATUS_VIDEO: 2;
  readonly MESIBO_MUTESTATUS_HOLD: 4;
  readonly MESIBO_SERVERTYPE_STUN: 0;
  readonly MESIBO_SERVERTYPE_TURN: 1;
  readonly MESIBO_CONFIGTYPE_CALLFLAGS: 256;
  readonly MESIBO_CONFIGTYPE_CALLANSWERMODE: 257;
  readonly MESIBO_CONFIGTYPE_CALLREQTO: 272;
  readonly MESIBO_CONFIGTYPE_CALLANSTO: 273;
  readonly MESIBO_CONFIGTYPE_CALLCONNECTTO: 274;
  readonly MESIBOCALL_NOTIFY_INCOMING: 0;
  readonly MESIBOCALL_NOTIFY_MISSED: 4;
  readonly MESIBOCALL_VIDEO_FIT_ZOOM: 0;
  readonly MESIBOCALL_VIDEO_FIT_LETTERBOX: 1;
  readonly MESIBOCALL_UI_STATE_SHOWINCOMING: 1;
  readonly MESIBOCALL_UI_STATE_SHOWINPROGRESS: 2;
  readonly MESIBOCALL_UI_STATE_SHOWCONTROLS: 3;
  readonly MESIBOCALL_UI_STATE_ANSWERED: 4;
  readonly MESIBOCALL_HANGUP_REASON_USER: 1;
  readonly MESIBOCALL_HANGUP_REASON_REMOTE: 2;
  readonly MESIBOCALL_HANGUP_REASON_ERROR: 3;
  readonly MESIBOCALL_HANGUP_REASON_BACKGROUND: 4;
  readonly MESIBOCALL_HANGUP_REASON_DURATION: 5;
  readonly MESIBOCALL_CODEC_VP8: 1;
  readonly MESIBOCALL_CODEC_VP9: 2;
  readonly MESIBOCALL_CODEC_H264: 4;
  readonly MESIBOCALL_CODEC_H265: 8;
  readonly MESIBOCALL_CODEC_OPUS: 256;
  readonly MESIBOCALL_VIDEOSOURCE_CAMERADEFAULT: 0;
  readonly MESIBOCALL_VIDEOSOURCE_CAMERAFRONT: 1;
  readonly MESIBOCALL_VIDEOSOURCE_CAMERAREAR: 2;
  readonly MESIBOCALL_VIDEOSOURCE_SCREEN: 4;
  readonly MESIBOCALL_SOUND_RINGING: 0;
  readonly MESIBOCALL_SOUND_BUSY: 1;
  readonly MESIBOCALL_ERROR_BUSY: 1;
  readonly MESIBOCALL_ERROR_NETWORK: 2;
  readonly MESIBO_AUDIODEVICE_SPEAKER: 0;
  readonly MESIBO_AUDIODEVICE_HEADSET: 1;
  readonly MESIBO_AUDIODEVICE_EARPIECE: 2;
  readonly MESIBO_AUDIODEVICE_BLUETOOTH: 3;
  readonly MESIBO_AUDIODEVICE_DEFAULT: 4;
  readonly MESIBO_MEMBERFLAG_SEND: 1;
  readonly MESIBO_MEMBERFLAG_RECV: 2;
  readonly MESIBO_MEMBERFLAG_PUBL: 4;
  readonly MESIBO_MEMBERFLAG_SUBS: 8;
  readonly MESIBO_MEMBERFLAG_LIST: 16;
  readonly MESIBO_MEMBERFLAG_RECORD: 32;
  readonly MESIBO_MEMBERFLAG_EXPIRYTS: 256;
  readonly MESIBO_MEMBERFLAG_DELETEWITHPIN: 512;
  readonly MESIBO_MEMBERFLAG_ADMIN: 4096;
  readonly MESIBO_MEMBERFLAG_NOSELFDELETE: 8192;
  readonly MESIBO_MEMBERFLAG_SHAREDPIN: 32768;
  readonly MESIBO_MEMBERFLAG_DELETE: 2147483648;
  readonly MESIBO_MEMBERFLAG_ALL: 31;
  readonly MESIBO_ADMINFLAG_MODIFY: 1;
  readonly MESIBO_ADMINFLAG_ADDUSER: 16;
  readonly MESIBO_ADMINFLAG_REMUSER: 32;
  readonly MESIBO_ADMINFLAG_ADDADMIN: 64;
  readonly MESIBO_ADMINFLAG_REMADMIN: 128;
  readonly MESIBO_ADMINFLAG_REMOWNER: 256;
  readonly MESIBO_ADMINFLAG_REMGROUP: 512;
  readonly MESIBO_ADMINFLAG_CALLCONTROL: 1024;
  readonly MESIBO_ADMINFLAG_HANGUP: 2048;
  readonly MESIBO_ADMINFLAG_OWNER: 4096;
  readonly MESIBO_ADMINFLAG_ADDPIN: 8192;
  readonly MESIBO_ADMINFLAG_REMOVEPIN: 16384;
  readonly MESIBO_ADMINFLAG_LISTPIN: 32768;
  readonly MESIBO_ADMINFLAG_ALL: 61439;
  readonly MESIBO_OWNERFLAG_ALL: 65535;
  readonly MESIBO_GROUPFLAG_SENDBYSELECTED: 1;
  readonly MESIBO_GROUPFLAG_SENDBYANYONE: 2;
  readonly MESIBO_GROUPFLAG_AUTOADDMEMBER: 8;
  readonly MESIBO_GROUPFLAG_RECVBYSELECTED: 16;
  readonly MESIBO_GROUPFLAG_RECVROUNDROBIN: 32;
  readonly MESIBO_GROUPFLAG_NOSTORAGE: 64;
  readonly MESIBO_GROUPFLAG_RECVLOOPBACK: 128;
  readonly MESIBO_GROUPFLAG_PUBBYSELECTED: 256;
  readonly MESIBO_GROUPFLAG_PUBBYANYONE: 512;
  readonly MESIBO_GROUPFLAG_SUBBYSELECTED: 4096;
  readonly MESIBO_GROUPFLAG_SUBBYANYONE: 8192;
  readonly MESIBO_GROUPFLAG_LISTBYSELECTED: 65536;
  readonly MESIBO_GROUPFLAG_LISTBYANYONE: 131072;
  readonly MESIBO_GROUPFLAG_NOSELFDELETE: 262144;
  readonly MESIBO_GROUPFLAG_PAUSE: 134217728;
  readonly MESIBO_GROUPFLAG_DELETE: 2147483648;
  readonly MESIBO_GROUPERROR_NOTMEMBER: 1;
  readonly MESIBO_GROUPERROR_PERMISSION: 2;
  readonly MESIBO_GROUPERROR_BADPIN: 3;
  readonly MESIBO_GROUPERROR_ACCESSDENIED: 4;
  readonly MESIBO_GROUPERROR_NOTSHAREDPIN: 5;
  readonly MESIBO_GROUPERROR_GENERAL: 10;
  readonly MESIBO_GROUPERROR_DELETED: 11;
  readonly MESIBO_RESOLUTION_DEFAULT: 0;
  readonly MESIBO_RESOLUTION_QVGA: 1;
  readonly MESIBO_RESOLUTION_VGA: 2;
  readonly MESIBO_RESOLUTION_HD: 3;
  readonly MESIBO_RESOLUTION_FHD: 4;
  readonly MESIBO_RESOLUTION_4K: 5;
  readonly MESIBO_RESOLUTION_QQVGA: 8;
  readonly MESIBO_RESOLUTION_180P: 9;
  readonly MESIBO_RESOLUTION_NHD: 10;
  readonly MESIBO_RESOLUTION_MAX: 10;
  readonly MESIBO_GROUPCALLFLAG_VALID: 1;
  readonly MESIBO_GROUPCALLFLAG_AUDIO: 2;
  readonly MESIBO_GROUPCALLFLAG_VIDEO: 4;
  readonly MESIBO_GROUPCALLFLAG_DATA: 8;
  readonly MESIBO_GROUPCALLFLAG_SCREEN: 256;
  readonly MESIBO_GROUPCALLFLAG_SIMULCAST: 512;
  readonly MESIBO_GROUPCALLFLAG_SIMULCAST2: 1024;
  readonly MESIBO_GROUPCALLFLAG_4_3: 2048;
  readonly MESIBO_GROUPCALLFLAG_RECORD: 4096;
  readonly MESIBO_GROUPCALLFLAG_TALKING: 32768;
  readonly MESIBO_GROUPCALLFLAG_VAD: 32768;
  readonly MESIBO_GROUPCALLFLAG_FIXEDBITRATE: 65536;
  readonly MESIBO_GROUPCALLFLAG_FIXEDRESOLUTION: 131072;
  readonly MESIBO_GROUPCALLFLAG_FIXEDFRAMERATE: 262144;
  readonly MESIBO_GROUPCALLFLAG_PREFER264: 524288;
  readonly MESIBO_GROUPCALLFLAG_DEFAULT: 33031;
  readonly MESIBO_GROUP_SUBSCRIBERS: 2;
  readonly MESIBO_GROUP_KNOWNSUBSCRIBERS: 3;
  readonly MESIBO_GROUP_PROVSUBSCRIBERS: 4;
  readonly MESIBO_GROUP_KNOWNPROVSUBSCRIBERS: 5;
  readonly MESIBO_GROUP_SUBSCRIBERSALL: 6;
  readonly MESIBO_GROUP_KNOWNSUBSCRIBERSALL: 7;
  readonly MESIBO_GROUP_CONTACTS: 8;
  readonly MESIBO_GROUP_CONTACTSUBSCRIBERS: 9;
  readonly MESIBO_GROUP_SUBSCRIBED: 10;
  readonly MESIBO_GROUP_PROVSUBSCRIBED: 11;
  readonly MESIBO_FILETYPE_AUTO: 0;
  readonly MESIBO_FILETYPE_IMAGE: 1;
  readonly MESIBO_FILETYPE_VIDEO: 2;
  readonly MESIBO_FILETYPE_AUDIO: 3;
  readonly MESIBO_FILETYPE_LOCATION: 4;
  readonly MESIBO_FILETYPE_PROFILEIMAGE: 5;
  readonly MESIBO_FILETYPE_PROFILETHUMBNAIL: 6;
  readonly MESIBO_FILETYPE_OTHER: 10;
  readonly MESIBO_FILETYPE_MASK: 255;
  readonly MESIBO_FILEACTION_START: 0;
  readonly MESIBO_FILEACTION_STOP: 1;
  readonly MESIBO_FILEMODE_DOWNLOAD: 0;
  readonly MESIBO_FILEMODE_UPLOAD: 1;
  readonly MESIBO_FILESTATUS_IDLE: 0;
  readonly MESIBO_FILESTATUS_INPROGRESS: 1;
  readonly MESIBO_FILESTATUS_RETRYLATER: 2;
  readonly MESIBO_FILESTATUS_FAILED: 3;
  readonly MESIBO_FILESOURCE_MESSAGE: 0;
  readonly MESIBO_FILESOURCE_PROFILE: 1;
  readonly MESIBO_FILESOURCE_GROUPPROFILE: 2;
  readonly MESIBO_FILESOURCE_THUMBNAIL: 3;
  readonly MESIBO_FILESOURCE_UNKNOWN: 99;
  readonly MESIBO_FILESOURCE_CUSTOM: 100;
  readonly MESIBO_FILESOURCE_PROFILETN: 2;
  readonly MESIBO_FILESOURCE_USERPROFILELIST: 3;
  readonly MESIBO_HTTPSTATE_UPLOAD: 0;
  readonly MESIBO_HTTPSTATE_DOWNLOAD: 1;
  readonly MESIBO_HTTPSTATE_DONE: 2;
  readonly MESIBO_CROP_GRAVITY_CENTER: 0;
  readonly MESIBO_CROP_GRAVITY_START: 1;
  readonly MESIBO_CROP_GRAVITY_END: 2;
  readonly MESIBO_CONTACT_UPDATE: 0;
  readonly MESIBO_CONTACT_DELETE: 1;
  readonly MESIBO_CONNECTIVITY_DISCONNECTED: 255;
  readonly MESIBO_CONNECTIVITY_UNKNOWN: -1;
  readonly MESIBO_CONNECTIVITY_WIFI: 0;
  readonly MESIBO_CONNECTIVITY_2G: 1;
  readonly MESIBO_CONNECTIVITY_3G: 2;
  readonly MESIBO_CONNECTIVITY_4G: 3;
  readonly MESIBO_DBTABLE_MESSAGES: 1;
  readonly MESIBO_DBTABLE_PROFILES: 2;
  readonly MESIBO_DBTABLE_KEYS: 4;
  readonly MESIBO_DBTABLE_ALL: 7;
  readonly MESIBO_VISIBILITY_NONE: 0;
  readonly MESIBO_VISIBILITY_PUBLIC: 1;
  readonly MESIBO_VISIBILITY_CONTACT: 2;
  readonly MESIBO_VISIBILITY_SEARCHABLE: 3;
  readonly MESIBO_VISIBILITY_CUSTOM: 4;
  readonly MESIBO_VISIBILITY_LOCAL: 8;
  readonly MESIBO_SYNCTYPE_REALTIME: 0;
  readonly MESIBO_SYNCTYPE_LAZY: 1;
  readonly MESIBO_SYNCTYPE_ONLINEONLY: 2;
  readonly MESIBO_SYNCTYPE_RECENTONLY: 3;
  readonly MESIBO_ONLINEMODE_LOGIN: 1;
  readonly MESIBO_ONLINEMODE_FOREGROUND: 2;
  readonly MESIBO_ONLINEMODE_MANUAL: 3;
  readonly MESIBO_E2ECIPHER_AESGCM: 1;
  readonly MESIBO_E2ECIPHER_CHACHAPOLY1305: 2;
  readonly MESIBO_E2ECIPHER_AESCBC: 32;
  readonly MESIBO_E2ECIPHER_CHACHA20: 64;
  readonly MESIBO_E2ESTATUS_NONE: 0;
  readonly MESIBO_E2ESTATUS_ACTIVE: 1;
  readonly MESIBO_E2ESTATUS_INACTIVE: 2;
  readonly MESIBO_E2ESTATUS_IDENTITYCHANGED: 3;
  readonly MESIBO_E2ESTATUS_FAILED: 128;
  readonly MESIBO_E2ESTATUS_IDENTITYFAILED: 129;
  readonly MESIBO_E2ESTATUS_SUSPICIOUS: 130;
  readonly MESIBO_PHONETYPE_INVALID: -1;
  readonly MESIBO_PHONETYPE_MAYBE: 0;
  readonly MESIBO_PHONETYPE_VALID: 1;
  readonly MESIBO_PHONETYPE_MOBILE: 2;
  readonly MESIBO_PHONETYPE_FIXED: 3;
  readonly MESIBO_PHONETYPE_TOLLFREE: 4;
  readonly MESIBO_PHONETYPE_PREMIUM: 5;
  readonly MESIBO_PHONETYPE_VOIP: 6;
  readonly MESIBO_PHONETYPE_PRIVATE: 7;
  readonly MESIBO_PHONETYPE_COUNTRY: 10;
  readonly MESIBO_FORMAT_DEFAULT: 0;
  readonly MESIBO_FORMAT_HEX: 1;
  readonly MESIBO_FORMAT_DECIMAL: 2;
  readonly MESIBO_ADDRESSSTRING_MAXLENGTH: 63;
  readonly MESIBO_DATATYPE_MESSAGE: 0;
  readonly MESIBO_DATATYPE_BINARY: 1;
  readonly MESIBO_READAS_AUTO: 0;
  readonly MESIBO_READAS_BYTES: 1;
  readonly MESIBO_READAS_UNICODE: 2;
  readonly MESIBO_GROUPERR_NOTMEMBER: 1;
  readonly MESIBO_GROUPERR_PERMISSION: 2;
  readonly MESIBO_GROUPERR_BADPIN: 3;
  readonly MESIBO_GROUPERR_ACCESSDENIED: 4;
  readonly MESIBO_GROUPERR_NOTSHAREDPIN: 5;
  readonly MESIBO_GROUPERR_GENERAL: 10;
  readonly MESIBO_GROUPERR_DELETED: 11;
}
