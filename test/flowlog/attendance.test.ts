// Of each second of each window it is known whether somebody watched.
import { describe, expect, test } from 'vitest';
import { Attendance } from '../../src/flowlog/attendance.ts';
import type { QuietEntry } from '../../src/flowlog/attendance.ts';

const quiet = (subscriber: number, status: QuietEntry['status'], start: number, end: number): QuietEntry => ({
  subscriber,
  status,
  start,
  end,
});

describe('an ENI', () => {
  test('that is watched from the middle of a window on was not seen before, and silent then', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.join(3, 630);
    expect(attendance.settle(600)).toEqual([]);
    expect(attendance.settle(720)).toEqual([
      quiet(3, 'skipdata', 600, 630),
      quiet(3, 'nodata', 630, 660),
      quiet(3, 'nodata', 660, 720),
    ]);
    expect(attendance.settle(720)).toEqual([]);
  });

  test('with traffic has no NODATA in that window, and what nobody watched is said all the same', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.join(0, 601);
    attendance.busy(10, [0]);
    attendance.busy(12, [0, 5]);
    expect(attendance.settle(780)).toEqual([quiet(0, 'skipdata', 600, 601), quiet(0, 'nodata', 660, 720)]);
  });

  test('that lost packets in a window was not silent in it, and what nobody watched is said all the same', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.lose(0, 10, 11);
    attendance.join(0, 601);
    attendance.join(1, 600);
    attendance.lose(0, 10, 11);
    attendance.lose(0, 12, 14);
    expect(attendance.settle(780)).toEqual([
      quiet(0, 'skipdata', 600, 601),
      quiet(0, 'nodata', 660, 720),
      ...[600, 660, 720].map((start) => quiet(1, 'nodata', start, start + 60)),
    ]);
    // Of what is told already it is too late.
    attendance.lose(0, 12, 13);
    attendance.lose(1, 13, 1e9);
    attendance.leaveAll(900);
    expect(attendance.end()).toEqual([quiet(0, 'nodata', 840, 900)]);
  });

  test('that is watched from the very beginning of a window lacks nothing', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.join(0, 600);
    attendance.busy(10, [0]);
    expect(attendance.settle(660)).toEqual([]);
  });

  test('that is not watched any more was not seen for the rest of its window, and has no windows then', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.join(0, 600);
    attendance.leave(0, 650);
    expect(attendance.settle(1200)).toEqual([quiet(0, 'nodata', 600, 650), quiet(0, 'skipdata', 650, 660)]);
    expect(attendance.settle(1800)).toEqual([]);
  });

  test('that goes and comes back within a window was not seen in between', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.join(0, 600);
    attendance.leave(0, 610);
    attendance.join(0, 640);
    attendance.busy(10, [0]);
    expect(attendance.settle(720)).toEqual([quiet(0, 'skipdata', 610, 640), quiet(0, 'nodata', 660, 720)]);
  });

  test('that comes back windows later has none in between', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.join(0, 600);
    attendance.leave(0, 660);
    attendance.join(0, 960);
    expect(attendance.settle(1020)).toEqual([quiet(0, 'nodata', 600, 660), quiet(0, 'nodata', 960, 1020)]);
  });

  test('is joined once, and left once, whoever says it again', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.join(0, 600);
    attendance.join(0, 630);
    attendance.leave(0, 660);
    attendance.leave(0, 700);
    attendance.leave(9, 700);
    expect(attendance.settle(720)).toEqual([quiet(0, 'nodata', 600, 660)]);
  });

  test('whose clock goes back is watched until where it was, and from there on', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.join(0, 600);
    attendance.leave(0, 630);
    attendance.join(0, 610);
    expect(attendance.settle(660)).toEqual([quiet(0, 'nodata', 600, 660)]);
  });
});

test('at the end all windows are told that anybody watched a part of, by ENI', () => {
  const attendance = new Attendance(() => 60, 2);
  attendance.join(1, 600);
  attendance.join(0, 630);
  attendance.busy(10, [1]);
  attendance.leaveAll(690);
  expect(attendance.end()).toEqual([
    quiet(0, 'skipdata', 600, 630),
    quiet(0, 'nodata', 630, 660),
    quiet(0, 'nodata', 660, 690),
    quiet(0, 'skipdata', 690, 720),
    quiet(1, 'nodata', 660, 690),
    quiet(1, 'skipdata', 690, 720),
  ]);
  expect(attendance.end()).toEqual([]);
});

test('an end on a border of windows touches none behind it', () => {
  const attendance = new Attendance(() => 60, 2);
  attendance.join(0, 600);
  attendance.leaveAll(660);
  expect(attendance.end()).toEqual([quiet(0, 'nodata', 600, 660)]);
});

test('a watermark closes the windows whose end it has passed by the lateness', () => {
  const attendance = new Attendance(() => 60, 2);
  attendance.join(0, 600);
  expect(attendance.settleAt(661)).toEqual([]);
  expect(attendance.settleAt(662)).toEqual([quiet(0, 'nodata', 600, 660)]);
});

describe('fractions of seconds', () => {
  test('are not watched: what came in them may be missing', () => {
    const attendance = new Attendance(() => 10, 0);
    attendance.join(1, 20.7);
    attendance.busy(2, [1]);
    expect(attendance.settleAt(30)).toEqual([{ subscriber: 1, status: 'skipdata', start: 20, end: 21 }]);
    attendance.leave(1, 40.2);
    expect(attendance.end()).toEqual([
      { subscriber: 1, status: 'nodata', start: 30, end: 40 },
      { subscriber: 1, status: 'skipdata', start: 40, end: 50 },
    ]);
  });

  test('between which somebody came and went leave no second out, and none twice', () => {
    const attendance = new Attendance(() => 10, 0);
    attendance.join(1, 22.1);
    attendance.leave(1, 22.9);
    attendance.join(1, 25);
    attendance.leave(1, 30);
    expect(attendance.end()).toEqual([
      { subscriber: 1, status: 'skipdata', start: 20, end: 23 },
      { subscriber: 1, status: 'skipdata', start: 23, end: 25 },
      { subscriber: 1, status: 'nodata', start: 25, end: 30 },
    ]);
  });
});

describe('a clock', () => {
  test('that jumps ahead leaves windows that nobody watched', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.join(0, 600);
    attendance.busy(10, [0]);
    expect(attendance.jump(630.5, 850)).toEqual([
      quiet(0, 'skipdata', 660, 720),
      quiet(0, 'skipdata', 720, 780),
      quiet(0, 'skipdata', 780, 840),
    ]);
    expect(attendance.settle(900)).toEqual([
      quiet(0, 'skipdata', 630, 660),
      quiet(0, 'skipdata', 840, 850),
      quiet(0, 'nodata', 850, 900),
    ]);
    expect(attendance.settle(960)).toEqual([quiet(0, 'nodata', 900, 960)]);
  });

  test('that jumps within a window leaves a part of it', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.join(0, 600);
    expect(attendance.jump(610, 640)).toEqual([]);
    expect(attendance.settle(660)).toEqual([
      quiet(0, 'nodata', 600, 610),
      quiet(0, 'skipdata', 610, 640),
      quiet(0, 'nodata', 640, 660),
    ]);
  });

  test('that jumps over years costs one entry, and no time', () => {
    const attendance = new Attendance(() => 1, 2);
    attendance.join(0, 600);
    expect(attendance.jump(601, 9e9)).toEqual([quiet(0, 'skipdata', 601, 9e9)]);
    expect(attendance.settle(9e9 + 1)).toEqual([quiet(0, 'nodata', 600, 601), quiet(0, 'nodata', 9e9, 9e9 + 1)]);
  });

  test('that jumps has nothing to do with those who are not there', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.join(0, 600);
    attendance.leave(0, 610);
    expect(attendance.jump(700, 900)).toEqual([]);
    expect(attendance.settle(1200)).toEqual([quiet(0, 'nodata', 600, 610), quiet(0, 'skipdata', 610, 660)]);
  });

  test('that is set back ends the window that was open, and nothing is told of that time again', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.join(0, 600);
    attendance.join(1, 660);
    attendance.busy(11, [0]);
    expect(attendance.settle(660)).toEqual([quiet(0, 'nodata', 600, 660)]);
    expect(attendance.setBack(700, 310)).toEqual([
      quiet(0, 'skipdata', 700, 720),
      quiet(1, 'nodata', 660, 700),
      quiet(1, 'skipdata', 700, 720),
    ]);
    expect(attendance.watchedSince(0)).toBe(310);
    attendance.busy(6, [0]);
    // From 600 on, or from 660 on, all was told before.
    expect(attendance.settle(780)).toEqual([
      quiet(0, 'skipdata', 300, 310),
      quiet(0, 'nodata', 310, 360),
      ...[7, 8, 9].map((window) => quiet(0, 'nodata', window * 60, (window + 1) * 60)),
      quiet(0, 'nodata', 720, 780),
      quiet(1, 'skipdata', 300, 310),
      quiet(1, 'nodata', 310, 360),
      ...[6, 7, 8, 9, 10].map((window) => quiet(1, 'nodata', window * 60, (window + 1) * 60)),
      quiet(1, 'nodata', 720, 780),
    ]);
  });

  test('that was wrong for years is set right, and windows are told of as ever', () => {
    const attendance = new Attendance(() => 60, 2);
    attendance.join(0, 9e9);
    attendance.settle(9e9 / 60 + 2);
    attendance.setBack(9e9 + 130, 600);
    expect(attendance.settle(720)).toEqual([quiet(0, 'nodata', 600, 660), quiet(0, 'nodata', 660, 720)]);
    expect(attendance.settledUntil()).toEqual([[0, 720]]);
  });
});
