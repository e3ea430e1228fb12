// Of each second of each window it is known whether somebody watched.
import { describe, expect, test } from 'vitest';
import { Attendance } from '../../src/flowlog/attendance.ts';
import type { QuietEntry } from '../../src/flowlog/attendance.ts';

const quiet = (eni: number, status: QuietEntry['status'], start: number, end: number): QuietEntry => ({
  eni,
  status,
  start,
  end,
});

describe('an ENI', () => {
  test('that is watched from the middle of a window on was not seen before, and silent then', () => {
    const attendance = new Attendance(60, 2);
    attendance.join(3, 630);
    expect(attendance.settle(10)).toEqual([]);
    expect(attendance.settle(12)).toEqual([
      quiet(3, 'skipdata', 600, 630),
      quiet(3, 'nodata', 630, 660),
      quiet(3, 'nodata', 660, 720),
    ]);
    expect(attendance.settle(12)).toEqual([]);
  });

  test('with traffic has no NODATA in that window, and what nobody watched is said all the same', () => {
    const attendance = new Attendance(60, 2);
    attendance.join(0, 601);
    attendance.busy(10, [0]);
    attendance.busy(12, [0, 5]);
    expect(attendance.settle(13)).toEqual([quiet(0, 'skipdata', 600, 601), quiet(0, 'nodata', 660, 720)]);
  });

  test('that is watched from the very beginning of a window lacks nothing', () => {
    const attendance = new Attendance(60, 2);
    attendance.join(0, 600);
    attendance.busy(10, [0]);
    expect(attendance.settle(11)).toEqual([]);
  });

  test('that is not watched any more was not seen for the rest of its window, and has no windows then', () => {
    const attendance = new Attendance(60, 2);
    attendance.join(0, 600);
    attendance.leave(0, 650);
    expect(attendance.settle(20)).toEqual([quiet(0, 'nodata', 600, 650), quiet(0, 'skipdata', 650, 660)]);
    expect(attendance.settle(30)).toEqual([]);
  });

  test('that goes and comes back within a window was not seen in between', () => {
    const attendance = new Attendance(60, 2);
    attendance.join(0, 600);
    attendance.leave(0, 610);
    attendance.join(0, 640);
    attendance.busy(10, [0]);
    expect(attendance.settle(12)).toEqual([quiet(0, 'skipdata', 610, 640), quiet(0, 'nodata', 660, 720)]);
  });

  test('that comes back windows later has none in between', () => {
    const attendance = new Attendance(60, 2);
    attendance.join(0, 600);
    attendance.leave(0, 660);
    attendance.join(0, 960);
    expect(attendance.settle(17)).toEqual([quiet(0, 'nodata', 600, 660), quiet(0, 'nodata', 960, 1020)]);
  });

  test('is joined once, and left once, whoever says it again', () => {
    const attendance = new Attendance(60, 2);
    attendance.join(0, 600);
    attendance.join(0, 630);
    attendance.leave(0, 660);
    attendance.leave(0, 700);
    attendance.leave(9, 700);
    expect(attendance.settle(12)).toEqual([quiet(0, 'nodata', 600, 660)]);
  });

  test('whose clock goes back is watched until where it was, and from there on', () => {
    const attendance = new Attendance(60, 2);
    attendance.join(0, 600);
    attendance.leave(0, 630);
    attendance.join(0, 610);
    expect(attendance.settle(11)).toEqual([quiet(0, 'nodata', 600, 630), quiet(0, 'nodata', 630, 660)]);
  });
});

test('at the end all windows are told that anybody watched a part of, by ENI', () => {
  const attendance = new Attendance(60, 2);
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
  const attendance = new Attendance(60, 2);
  attendance.join(0, 600);
  attendance.leaveAll(660);
  expect(attendance.end()).toEqual([quiet(0, 'nodata', 600, 660)]);
});

test('a watermark closes the windows whose end it has passed by the lateness', () => {
  const attendance = new Attendance(60, 2);
  attendance.join(0, 600);
  expect(attendance.settleAt(661)).toEqual([]);
  expect(attendance.settleAt(662)).toEqual([quiet(0, 'nodata', 600, 660)]);
});

describe('fractions of seconds', () => {
  test('are not watched: what came in them may be missing', () => {
    const attendance = new Attendance(10, 0);
    attendance.join(1, 20.7);
    attendance.busy(2, [1]);
    expect(attendance.settleAt(30)).toEqual([{ eni: 1, status: 'skipdata', start: 20, end: 21 }]);
    attendance.leave(1, 40.2);
    expect(attendance.end()).toEqual([
      { eni: 1, status: 'nodata', start: 30, end: 40 },
      { eni: 1, status: 'skipdata', start: 40, end: 50 },
    ]);
  });

  test('between which somebody came and went leave no second out, and none twice', () => {
    const attendance = new Attendance(10, 0);
    attendance.join(1, 22.1);
    attendance.leave(1, 22.9);
    attendance.join(1, 25);
    attendance.leave(1, 30);
    expect(attendance.end()).toEqual([
      { eni: 1, status: 'skipdata', start: 20, end: 23 },
      { eni: 1, status: 'skipdata', start: 23, end: 25 },
      { eni: 1, status: 'nodata', start: 25, end: 30 },
    ]);
  });
});
