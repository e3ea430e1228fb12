// IEEE 802.11 data frames, and the radiotap header in front of them.
import { Frame, notIp } from './frame.ts';
import { type Found, llc } from './layers.ts';

/** radiotap.org: presence words, then TSFT (8 bytes, aligned) and Flags come first. */
export function radiotap(frame: Frame, at: number): Found {
  const length = frame.u16le(at + 2);
  const present = frame.u32le(at + 4);
  let fields = at + 4;
  while ((frame.u32le(fields) & 0x8000_0000) !== 0) fields += 4;
  fields += 4;
  if ((present & 1) !== 0) fields = at + Math.ceil((fields - at) / 8) * 8 + 8;
  const flags = (present & 2) !== 0 ? frame.u8(fields) : 0;
  if ((flags & 0x10) !== 0) frame.limit(frame.end - 4);
  return wlan(frame, at + length, (flags & 0x20) !== 0);
}

/** `padded`: the header was brought to a multiple of four for the driver's sake. `swapped`: so is the frame control. */
export function wlan(frame: Frame, at: number, padded = false, swapped = false): Found {
  const control = frame.u8(swapped ? at + 1 : at);
  const flags = frame.u8(swapped ? at : at + 1);
  const isData = (control & 0x0f) === 0x08 && (control & 0x40) === 0;
  const isProtected = (flags & 0x40) !== 0;
  if (!isData || isProtected) notIp();
  let length = 24 + ((flags & 3) === 3 ? 6 : 0);
  const isQos = (control & 0x80) !== 0;
  const isAggregate = isQos && (frame.u8(at + length) & 0x80) !== 0;
  if (isQos) length += 2 + ((flags & 0x80) !== 0 ? 4 : 0);
  if (padded) length = Math.ceil(length / 4) * 4;
  return isAggregate ? aggregate(frame, at + length) : llc(frame, at + length);
}

/** A-MSDU (IEEE 802.11 9.3.2.2): subframes with addresses and a length each; the first is what is counted. */
function aggregate(frame: Frame, at: number): Found {
  frame.limit(at + 14 + frame.u16(at + 12));
  return llc(frame, at + 14);
}
