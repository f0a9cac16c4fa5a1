import type { Reason } from './gpsd.js';

/** Every field in which a fix of ours differs from gpsd's, and why. The same table stands in docs/parts/gnss.md. */
export const DIFFERENCES: readonly Reason[] = [
  {
    receiver: 'bu303-climbing',
    epoch: '*',
    field: 'fix',
    why: 'the log is SiRF binary and holds no NMEA sentence; gpsd speaks SiRF. (Its NMEA translation of the log is compared instead.)',
  },
  {
    receiver: 'com-1289',
    epoch: '2007-10-12T14:38:01.770Z',
    field: 'fix',
    why: 'the log ends before the cycle does: the epoch is still open. gpsd reports after each sentence',
  },
  {
    receiver: 'triton400',
    epoch: '2013-04-01T03:01:33.000Z',
    field: 'fix',
    why: 'the log ends before the cycle does: the epoch is still open. gpsd reports after each sentence',
  },
  {
    receiver: 'garmin-geko201',
    epoch: '#3',
    field: 'fix',
    why: 'demo mode: RMC says V and mode S, GGA quality 8. A simulated position is no fix; gpsd reports it with status 8',
  },
  {
    receiver: 'mtk-3301',
    epoch: '#17',
    field: 'fix',
    why: 'GGA says quality 0 and RMC says V: no fix. gpsd reports the position once before its mode falls to 1',
  },
  {
    receiver: 'mtk-3301',
    epoch: '#19',
    field: 'time',
    why: 'gpsd reports on GGA, before RMC gives it the first date; our row waits for the whole epoch and has it',
  },
  { receiver: 'mtk-3301', epoch: '#19', field: 'speed', why: 'as above: the speed is in RMC' },
  { receiver: 'mtk-3301', epoch: '#19', field: 'track', why: 'as above: the track is in RMC' },
  { receiver: 'mtk-3301', epoch: '#19', field: 'mode', why: 'as above: gpsd says 3 from its next report on' },
  {
    receiver: 'mtk-3301',
    epoch: '2008-08-23T08:14:39.000Z',
    field: 'mode',
    why: 'GSA says fix type 2 in this epoch; gpsd raises it to 3 because GGA has an altitude',
  },
  {
    receiver: 'triton400',
    epoch: '2013-04-01T03:01:30.000Z',
    field: 'speed',
    why: 'GGA and RMC of this epoch are lost in the log; gpsd computes a speed from two positions',
  },
  {
    receiver: 'triton400',
    epoch: '2013-04-01T03:01:30.000Z',
    field: 'mode',
    why: 'only GLL is left of this epoch, which has no altitude: 2D is what was said; gpsd keeps the mode it had',
  },
];
