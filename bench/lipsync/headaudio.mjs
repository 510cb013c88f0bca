// Feeds raw float32 samples at 16 kHz to HeadAudio's processor, 128 at a time, and prints [[seconds, viseme], ...]:
// the moment at which each viseme came out. Usage: node headaudio.mjs PACKAGE_FOLDER SAMPLES_FILE
import { readFileSync } from "node:fs";
import { join } from "node:path";

const [folder, samplesFile] = process.argv.slice(2);
const { Processor } = await import(join(folder, "modules", "processor.mjs"));
const layout = await import(join(folder, "modules", "parameters.mjs"));

const toArrayBuffer = (file) => {
  const bytes = readFileSync(file);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
};

const modelData = toArrayBuffer(join(folder, "dist", "model-en-mixed.bin"));
const recordBytes = layout.RECORD_LEN * 4;
const model = [];
for (let start = 0; start + recordBytes <= modelData.byteLength; start += recordBytes) {
  const head = new DataView(modelData, start, 8);
  model.push({
    group: head.getUint8(5),
    viseme: head.getUint8(7),
    mu: new Float32Array(modelData, start + layout.RECORD_MU_OFFSET, layout.RECORD_MU_LEN),
    sigmaInvLower: new Float32Array(modelData, start + layout.RECORD_SIGMAINVLOWER_OFFSET, layout.RECORD_SIGMAINVLOWER_LEN),
  });
}

const samples = new Float32Array(toArrayBuffer(samplesFile));
const events = [];
let now = 0;
const silence = 14;
const port = {
  onmessage: null,
  postMessage: (message) => {
    if (message.event === "viseme") events.push([now / 16000, message.viseme]);
    if (message.event === "ended") events.push([now / 16000, silence]);
  },
};
const processor = new Processor({ sampleRate: 16000, parameterData: { vadGateActiveDb: -40, vadGateInactiveDb: -60 } }, { port });
processor._onmessage({ data: { event: "model", model } });
for (let start = 0; start < samples.length; start += 128) {
  now = Math.min(start + 128, samples.length);
  processor.process(samples.subarray(start, now));
}
console.log(JSON.stringify(events));
