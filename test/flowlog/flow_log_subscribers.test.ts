// Who collects when: flow logs change, ENIs come and go, and each window is of one kind.
import { describe, expect, test } from 'vitest';
import { eniNamed } from '../../src/cloud/locality.ts';
import type { Eni } from '../../src/cloud/locality.ts';
import { Attendance } from '../../src/flowlog/attendance.ts';
import type { QuietEntry } from '../../src/flowlog/attendance.ts';
import type { EniDirectory } from '../../src/flowlog/eni_directory.ts';
import { EniWatch } from '../../src/flowlog/eni_watch.ts';
import { FlowLogSubscribers } from '../../src/flowlog/flow_log_subscribers.ts';
import { subscribersAt } from '../../src/flowlog/subscribers.ts';
import { flowLog } from './flow_logs.ts';

/** As of live interfaces, whose ENIs come. */
class Directory {
  readonly enis: Eni[] = [{ ...eniNamed('eni-0'), vpcId: 'vpc-1', vswitchId: 'vsw-1' }];
  changes = 0;
  get count(): number {
    return this.enis.length;
  }
  numbers(): number[] {
    return this.enis.map((_, number) => number);
  }
  eni(number: number): Eni {
    return this.enis[number];
  }
}

function begin(): { directory: Directory; subscribers: FlowLogSubscribers; watch: EniWatch; attendance: Attendance } {
  const directory = new Directory();
  const subscribers = new FlowLogSubscribers(directory as unknown as EniDirectory, 60);
  const attendance = new Attendance((subscriber) => subscribers.seconds(subscriber), 2);
  return { directory, subscribers, attendance, watch: new EniWatch(attendance, subscribers) };
}

const T = 6000;
const minute = flowLog({ name: 'minute', aggregationInterval: 1 });
const ten = flowLog({ name: 'ten', aggregationInterval: 10 });

describe('flow logs', () => {
  test('collect at once where nobody knew of an ENI before', () => {
    const { subscribers } = begin();
    subscribers.follow([ten], T + 7);
    expect(subscribers.collecting(0)).toEqual([{ number: 0, from: -Infinity, until: Infinity }]);
    expect(subscribers.seconds(0)).toBe(600);
    expect(subscribers.flowLog(0)).toEqual({ name: 'ten', project: 'p', logstore: 'l' });
  });

  test('that come or go do so where a window ends', () => {
    const { subscribers } = begin();
    subscribers.follow([minute], T);
    const other = flowLog({ name: 'other', aggregationInterval: 1 });
    subscribers.follow([minute, other], T + 61);
    expect(subscribersAt(subscribers, 0, T + 119)).toEqual([0]);
    expect(subscribersAt(subscribers, 0, T + 120)).toEqual([0, 1]);
    subscribers.follow([other], T + 130);
    expect(subscribersAt(subscribers, 0, T + 179)).toEqual([0, 1]);
    expect(subscribersAt(subscribers, 0, T + 180)).toEqual([1]);
    expect(subscribers.collecting(0)).toEqual([
      { number: 0, from: -Infinity, until: T + 180 },
      { number: 1, from: T + 120, until: Infinity },
    ]);
  });

  test('make windows shorter or longer where a window of either length ends, for all that collect there', () => {
    const { subscribers } = begin();
    subscribers.follow([ten], T);
    subscribers.follow([ten, minute], T + 30);
    const [before, after] = [subscribersAt(subscribers, 0, T + 599), subscribersAt(subscribers, 0, T + 600)];
    expect(before.map((number) => subscribers.seconds(number))).toEqual([600]);
    expect(after.map((number) => subscribers.seconds(number))).toEqual([60, 60]);
    // A minute's windows go on until ten minutes begin.
    subscribers.follow([ten], T + 600 + 61);
    expect(subscribersAt(subscribers, 0, T + 1199)).toHaveLength(2);
    expect(subscribersAt(subscribers, 0, T + 1200).map((number) => subscribers.seconds(number))).toEqual([600]);
  });

  test('that change back before a window ends have not changed', () => {
    const { subscribers } = begin();
    subscribers.follow([ten], T);
    subscribers.follow([], T + 30);
    subscribers.follow([ten], T + 31);
    expect(subscribers.collecting(0)).toEqual([{ number: 0, from: -Infinity, until: Infinity }]);
  });

  test('that come again have collected before, too', () => {
    const { subscribers } = begin();
    subscribers.follow([minute], T);
    subscribers.follow([], T + 30);
    subscribers.follow([minute], T + 90);
    expect(subscribers.collecting(0)).toEqual([
      { number: 0, from: -Infinity, until: T + 60 },
      { number: 0, from: T + 120, until: Infinity },
    ]);
    expect([T + 59, T + 60, T + 120].map((second) => subscribersAt(subscribers, 0, second))).toEqual([[0], [], [0]]);
  });

  test('that are filed elsewhere are so from the next window on', () => {
    const { subscribers } = begin();
    subscribers.follow([minute], T);
    subscribers.follow([{ ...minute, logstore: 'other' }], T + 30);
    const [[before], [after]] = [T + 59, T + 60].map((second) => subscribersAt(subscribers, 0, second));
    expect(subscribers.flowLog(before).logstore).toBe('l');
    expect(subscribers.flowLog(after).logstore).toBe('other');
  });

  test('of a VPC or a vSwitch collect at ENIs that come later', () => {
    const { directory, subscribers } = begin();
    const vswitch = flowLog({ name: 'vswitch', resourceType: 'VSwitch', resourceId: 'vsw-2' });
    subscribers.follow([ten, vswitch], T);
    expect(subscribersAt(subscribers, 0, T)).toHaveLength(1);
    directory.enis.push({ ...eniNamed('eni-1'), vpcId: 'vpc-1', vswitchId: 'vsw-2' });
    subscribers.look(T + 77);
    const names = subscribersAt(subscribers, 1, T + 77).map((number) => subscribers.flowLog(number).name);
    expect(names).toEqual(['ten', 'vswitch']);
  });

  test('know an ENI by its id, not by its number', () => {
    const { directory, subscribers } = begin();
    subscribers.follow([flowLog({ resourceType: 'NetworkInterface', resourceId: 'eni-0' })], T);
    expect(subscribersAt(subscribers, 0, T)).toHaveLength(1);
    directory.enis[0] = eniNamed('eni-other');
    expect(subscribersAt(subscribers, 0, T)).toEqual([]);
    subscribers.look(T);
    expect(subscribersAt(subscribers, 0, T)).toEqual([]);
    directory.enis[0] = eniNamed('eni-0');
    subscribers.look(T);
    expect(subscribersAt(subscribers, 0, T)).toHaveLength(1);
  });

  test('that change every minute, for a year, keep no more than an hour of it', () => {
    const { subscribers } = begin();
    for (let i = 0; i < 5000; i++) subscribers.follow(i % 2 ? [minute] : [], T + i * 60);
    expect(subscribers.collecting(0).length).toBeLessThanOrEqual(62);
    expect(subscribers.count).toBe(1);
  });
});

describe('what is said of silence', () => {
  const quiet = (subscriber: number, status: QuietEntry['status'], start: number, end: number): QuietEntry => ({
    ...{ subscriber, status, start, end },
  });

  test('is said to each that collects, from when it collects until it does no more', () => {
    const { subscribers, watch, attendance } = begin();
    subscribers.follow([minute], T);
    watch.join(0, T);
    subscribers.follow([minute, flowLog({ name: 'other', aggregationInterval: 1 })], T + 70);
    watch.look(T + 70);
    attendance.busy(101, [0]);
    expect(attendance.settle(T + 180)).toEqual([
      quiet(0, 'nodata', T, T + 60),
      quiet(0, 'nodata', T + 120, T + 180),
      quiet(1, 'nodata', T + 120, T + 180),
    ]);
    subscribers.follow([minute], T + 190);
    watch.look(T + 190);
    expect(attendance.settle(T + 360)).toEqual([
      quiet(0, 'nodata', T + 180, T + 240),
      quiet(0, 'nodata', T + 240, T + 300),
      quiet(0, 'nodata', T + 300, T + 360),
      quiet(1, 'nodata', T + 180, T + 240),
    ]);
  });

  test('is of whole windows on both sides of a change of their length', () => {
    const { subscribers, watch, attendance } = begin();
    subscribers.follow([ten], T);
    watch.join(0, T);
    subscribers.follow([{ ...ten, aggregationInterval: 5 }], T + 100);
    watch.look(T + 100);
    expect(attendance.settle(T + 1200)).toEqual([
      quiet(0, 'nodata', T, T + 600),
      quiet(1, 'nodata', T + 600, T + 900),
      quiet(1, 'nodata', T + 900, T + 1200),
    ]);
  });

  test('is nothing of a flow log that was taken back before it began, or whose ENI was gone by then', () => {
    const { subscribers, watch, attendance } = begin();
    subscribers.follow([minute], T);
    watch.join(0, T);
    const other = flowLog({ name: 'other', aggregationInterval: 1 });
    subscribers.follow([minute, other], T + 10);
    watch.look(T + 10);
    subscribers.follow([minute], T + 20);
    watch.look(T + 20);
    subscribers.follow([minute, other], T + 70);
    watch.look(T + 70);
    watch.leave(0, T + 80);
    expect(attendance.settle(T + 600)).toEqual([
      quiet(0, 'nodata', T, T + 60),
      quiet(0, 'nodata', T + 60, T + 80),
      quiet(0, 'skipdata', T + 80, T + 120),
    ]);
  });

  test('goes on where an ENI comes back before a change that was planned', () => {
    const { subscribers, watch, attendance } = begin();
    subscribers.follow([minute], T);
    watch.join(0, T);
    subscribers.follow([], T + 70);
    watch.look(T + 70);
    watch.leave(0, T + 80);
    watch.join(0, T + 90);
    expect(attendance.settle(T + 600)).toEqual([
      quiet(0, 'nodata', T, T + 60),
      quiet(0, 'nodata', T + 60, T + 80),
      quiet(0, 'skipdata', T + 80, T + 90),
      quiet(0, 'nodata', T + 90, T + 120),
    ]);
    expect(watch.settledUntil(T + 600)).toEqual([]);
  });

  test('is settled for an ENI as far as for the last of those who collect there', () => {
    const { subscribers, watch, attendance } = begin();
    subscribers.follow([minute], T);
    watch.join(0, T);
    attendance.settle(T + 60);
    expect(watch.settledUntil(T + 61)).toEqual([[0, T + 60]]);
    expect(watch.endOf(0, T + 61)).toBe(T + 120);
    expect(watch.isOpen(0)).toBe(true);
    watch.leaveAll(T + 120);
    attendance.settle(T + 120);
    expect(watch.isOpen(0)).toBe(false);
  });
});
