/** Settings, enums and plain records of the public API. Values are those that travel on the wire and in logs. */

/** PCM sample rates, in hertz, that every part of the stack accepts. */
export const SAMPLE_RATES_HZ = [8000, 16000, 22050, 24000, 32000, 44100, 48000] as const;

/** State of the Direct Mode connection to the Motion Server. */
export const ConnectionState = {
  disconnected: "disconnected",
  connecting: "connecting",
  connected: "connected",
  failed: "failed",
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

/** What the avatar is doing: idling, speaking, or holding a paused round. */
export const ConversationState = { idle: "idle", playing: "playing", paused: "paused" } as const;
export type ConversationState = (typeof ConversationState)[keyof typeof ConversationState];

/** Who opens the motion connection: this client (`direct`) or the app's backend (`backend`). */
export const DrivingServiceMode = { direct: "direct", backend: "backend" } as const;
export type DrivingServiceMode = (typeof DrivingServiceMode)[keyof typeof DrivingServiceMode];

/** What happens when motion is late: sound goes on (`audioIndependent`) or waits for it (`strictSync`). */
export const FrameStarvationMode = { audioIndependent: "audioIndependent", strictSync: "strictSync" } as const;
export type FrameStarvationMode = (typeof FrameStarvationMode)[keyof typeof FrameStarvationMode];

/** How the avatar lives while it does not speak, and a little while it does. */
export const Mood = { neutral: "neutral", attentive: "attentive", cheerful: "cheerful", tired: "tired" } as const;
export type Mood = (typeof Mood)[keyof typeof Mood];

/** How much work goes into a frame: pixels per CSS pixel and the softness of shadows. */
export const RenderQuality = { standard: "standard", high: "high", ultra: "ultra" } as const;
export type RenderQuality = (typeof RenderQuality)[keyof typeof RenderQuality];

/** How much the package writes to the browser's console. */
export const LogLevel = { off: "off", error: "error", warning: "warning", all: "all" } as const;
export type LogLevel = (typeof LogLevel)[keyof typeof LogLevel];

/** What the app feeds in: raw samples, or Opus (an Ogg stream cut anywhere, or one bare packet a call). */
export const AudioCodec = { pcm: "pcm", opus: "opus" } as const;
export type AudioCodec = (typeof AudioCodec)[keyof typeof AudioCodec];

/** What moves the face: idle motion alone, or speech over it. */
export const AnimationType = { idle: "idle", mono: "mono" } as const;
export type AnimationType = (typeof AnimationType)[keyof typeof AnimationType];

/** Phase of an avatar download. */
export const LoadProgressType = {
  downloading: "downloading",
  completed: "completed",
  failed: "failed",
} as const;
export type LoadProgressType = (typeof LoadProgressType)[keyof typeof LoadProgressType];

/** What {@link AvatarSDK.checkDeviceSupport} found. */
export const DeviceSupport = {
  supported: "supported",
  renderNotSupported: "renderNotSupported",
  insufficientPerformance: "insufficientPerformance",
} as const;
export type DeviceSupport = (typeof DeviceSupport)[keyof typeof DeviceSupport];

/** Format of the audio that the app feeds in. */
export interface AudioFormat {
  /** Always mono. */
  channelCount?: 1;
  /** Hertz; one of {@link SAMPLE_RATES_HZ}. Default 16000; Opus always runs at 48000. */
  sampleRate?: number;
  /** Default `pcm`: signed 16-bit little endian. */
  inputAudioFormat?: AudioCodec;
  /**
   * Send PCM to the server as Opus: about an eighth of the traffic for 20 ms of delay. Needs WebCodecs and 8, 16, 24
   * or 48 kHz; otherwise PCM is sent, with a warning in the log. Direct Mode only. Default false.
   */
  opusUplinkEnabled?: boolean;
  /** Bits a second of that Opus, 6000 to 510000. Default 48000. */
  opusBitrate?: number;
}

/** Whether and how a lost session is followed by a new one. Old rounds are never sent again. */
export interface ReconnectPolicy {
  /** Most tries after one loss, 0..100. Default 0: reconnecting is left to the app. */
  attempts?: number;
  /** Seconds before the first try; each further wait is twice as long. Default 0.5. */
  firstDelayS?: number;
  /** Default 8. */
  maxDelayS?: number;
}

/** Named servers, of which one is chosen where no endpoint is given. */
export interface Regions {
  /** Region to base URL. */
  regions: Readonly<Record<string, string>>;
  /** The region that serves when nothing better is known. Default: the first. */
  default?: string;
  /** A route that is told the App ID and answers with the region that suits the caller. */
  bootstrap?: string;
}

/** Process-wide settings, given once to {@link AvatarSDK.initialize}. */
export interface Configuration {
  /** Base URL of the server, such as `https://avatars.example.com`. Default: by region, else the page's own origin. */
  endpoint?: string;
  /** One of {@link regions}, or `auto`, the default: the last visit's choice, else what the bootstrap route says. */
  region?: string;
  /** Servers to choose from. */
  regions?: Regions;
  /** Default `direct`. */
  drivingServiceMode?: DrivingServiceMode;
  /** Default for every view; a view may be given its own. */
  audioFormat?: AudioFormat;
  /** Default `off`. */
  logLevel?: LogLevel;
  /** Default `ultra`. */
  renderQuality?: RenderQuality;
  /** Seconds without a confirmed session after which `start` gives up. Default 15. */
  connectTimeoutS?: number;
  /** What follows the loss of a session. Default: nothing. */
  reconnect?: ReconnectPolicy;
  /**
   * How the server shall make the avatar speak, in Direct Mode: `neutral`, `happy`, `sad`, `angry`, `surprised` or
   * `calm`, with an intensity 0..1 behind a colon if need be, such as `happy:0.6`.
   */
  motionStyle?: string;
  /**
   * URL of the file `player-worklet.js` of this package, for pages whose Content-Security-Policy forbids
   * `blob:` scripts. Default: the same code from a blob URL.
   */
  audioWorkletUrl?: string;
}

/** Fetches a session token from the app's backend. */
export type TokenProvider = () => Promise<string>;

/** One step of an avatar download. `progress` is 0..1. */
export interface LoadProgress {
  type: LoadProgressType;
  progress?: number;
  error?: Error;
}

/** A perspective camera. Metres, +Y up; the avatar faces +Z. `fov` is vertical, in degrees. */
export interface CameraConfig {
  position: readonly [number, number, number];
  target: readonly [number, number, number];
  fov: number;
  /** Metres. Default 0.05. */
  near?: number;
  /** Metres. Default 20. */
  far?: number;
  /** What is up. Default +Y. */
  up?: readonly [number, number, number];
  /** Width by height of what it sees. Default: the canvas's. */
  aspect?: number;
}

/** Where the avatar stands in its view: x and y -1..1 (left to right, bottom to top), scale above 0. */
export interface AvatarTransform {
  x: number;
  y: number;
  scale: number;
}

/** The last two seconds of drawing. `NaN` where the window holds too little to tell. */
export interface FrameRateInfo {
  /** Pictures a second. */
  fps: number;
  /** Mean milliseconds of the main thread for a picture: pose, deformation and draw calls. */
  renderMs: number;
  /** Milliseconds from one picture to the next, 95th percentile. */
  frameMsP95: number;
  frameMsP99: number;
  /** Share 0..1 of pictures that came more than 50 ms after the one before. */
  jankRatio: number;
  /** Pictures in the window. */
  frames: number;
}

/** What one controller measured since it was made. `null` means that nothing was measured yet. */
export interface SessionReport {
  /** Milliseconds from making the view to its first picture. */
  firstFrameMs: number | null;
  /** Milliseconds from the first audio of the first round to its first motion frame. */
  firstMotionMs: number | null;
  motionFrames: number;
  /** Motion frames for rounds that were over, or for times already behind. */
  motionFramesUnused: number;
  /** Messages with motion received, envelopes included. */
  motionBytes: number;
  /** The same, per second of motion. */
  motionBytesPerSecond: number | null;
  /** Audio handed to the connection, as it goes upstream. */
  audioBytesSent: number;
  /** |shown motion position - heard audio position| when a frame was drawn. */
  avOffsetMsP50: number | null;
  avOffsetMsP95: number | null;
  rounds: number;
  /** Rounds that were heard to their end. */
  roundsFinished: number;
  /** Rounds that were cut off. */
  roundsInterrupted: number;
  framesDrawn: number;
  /** Longest time between two pictures while drawing was wanted: a hidden tab counts. */
  longestFrameGapMs: number | null;
  /** Times that speech stood without the motion it expected, and how long that lasted. */
  starvations: number;
  starvedMs: number;
  /** Times that the voice halted for want of motion (`strictSync`), and how long that lasted. */
  stalls: number;
  stalledMs: number;
}

/** Relative speeds of this device; 1 is an ordinary laptop of 2020. */
export interface DeviceScore {
  cpuScore: number;
  gpuScore: number;
}
