// What packets are timed by: a clock that is slow to read costs each packet.
import { warning, well } from './findings.ts';
import type { Finding } from './findings.ts';
import type { Machine } from './machine.ts';

const FOLDER = '/sys/devices/system/clocksource/clocksource0';
/** Read by the processor itself, without leaving it. */
const FAST = ['tsc', 'kvm-clock', 'arch_sys_counter', 'hyperv_clocksource_tsc_page', 'riscv_clocksource', 'timebase'];

export function checkClock({ text }: Machine): Finding[] {
  const source = text(`${FOLDER}/current_clocksource`)?.trim();
  if (!source) {
    const says = `what packets are timed by is not known: ${FOLDER} cannot be read`;
    return [warning('clock', says, 'mount /sys')];
  }
  if (FAST.includes(source)) return [well('clock', `${source}, which is fast to read`)];
  const others = (text(`${FOLDER}/available_clocksource`) ?? '').split(/\s+/).filter((other) => FAST.includes(other));
  return [
    warning(
      'clock',
      `${source}, which is slow to read: each packet is timed by it`,
      others.length > 0
        ? `echo ${others[0]} > ${FOLDER}/current_clocksource`
        : 'look in the kernel log (dmesg) for why no other source is offered',
    ),
  ];
}
