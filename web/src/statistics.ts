import type { Engine } from './engine.js';

/**
 * What a session measured so far. Sizes in bytes, rates in bytes a second, times in milliseconds,
 * counts since the session began; what belongs to a path is of the one in use.
 */
export interface Statistics {
  /** Round trips are an assumption until it is true. */
  hasRttSample: boolean;
  rttSmoothed: number;
  rttMinimum: number;
  rttLatest: number;
  rttVariation: number;
  datagramSize: number;
  bytesInFlight: number;
  framesSent: number;
  framesReceived: number;
  bytesSent: number;
  bytesReceived: number;
  datagramsSent: number;
  datagramsReceived: number;
  sendRate: number;
  receiveRate: number;
  acksSent: number;
  acksReceived: number;
  framesLost: number;
  bytesLost: number;
  framesRetransmitted: number;
  bytesRetransmitted: number;
  sendCreditLimit: number;
  sendCreditUsed: number;
  receiveCreditLimit: number;
  receiveCreditUsed: number;
  bytesUnread: number;
  streamsOpen: number;
  streamsOpened: number;
  streamsOpenedLimit: number;
  streamsAccepted: number;
  streamsAcceptedLimit: number;
  sendEpoch: number;
  receiveEpoch: number;
  /** What was dropped, by a word for the reason; those that are not zero. */
  drops: { [reason: string]: number };
}

/** The order of bindings/wasm/statistics_exports.cpp. */
const NAMES = [
  'rttSmoothed', 'rttMinimum', 'rttLatest', 'rttVariation', 'datagramSize', 'bytesInFlight',
  'framesSent', 'framesReceived', 'bytesSent', 'bytesReceived', 'datagramsSent',
  'datagramsReceived', 'sendRate', 'receiveRate', 'acksSent', 'acksReceived', 'framesLost',
  'bytesLost', 'framesRetransmitted', 'bytesRetransmitted', 'sendCreditLimit', 'sendCreditUsed',
  'receiveCreditLimit', 'receiveCreditUsed', 'bytesUnread', 'streamsOpen', 'streamsOpened',
  'streamsOpenedLimit', 'streamsAccepted', 'streamsAcceptedLimit', 'sendEpoch', 'receiveEpoch',
] as const;

export function statisticsOf(engine: Engine, session: number): Statistics | undefined {
  const numbers = engine.statistics(session);
  if (numbers === undefined) return undefined;
  const statistics = { hasRttSample: numbers[0] === 1, drops: {} } as Statistics;
  NAMES.forEach((name, index) => {
    statistics[name] = numbers[index + 1]!;
  });
  engine.dropReasons().forEach((reason, index) => {
    const count = numbers[1 + NAMES.length + index]!;
    if (count > 0) statistics.drops[reason] = count;
  });
  return statistics;
}
