/**
 * What an NMEA 0183 receiver says, field by field: a receiver has no registers, it has sentences. Field 0 is the address
 * (`GPRMC`: talker and formatter). Source: NMEA 0183 4.11 as laid out in gpsd's "NMEA Revealed" and u-blox M9 interface description
 * (UBX-19035940) §2.7. Older receivers leave out the last fields; any field may be empty.
 */

/** Recommended minimum: `$GPRMC,161223.89,A,4629.89,N,00734.08,E,0.17,180.0,190605,2.3,E,A*hh`. */
export const RMC = {
  time: 1,
  status: 2,
  latitude: 3,
  northSouth: 4,
  longitude: 5,
  eastWest: 6,
  speedKnots: 7,
  trackDeg: 8,
  date: 9,
  mode: 12,
} as const;

/** Fix data: `$GPGGA,time,lat,N,lon,E,quality,used,hdop,altitude MSL,M,geoid separation,M,age,station*hh`. */
export const GGA = {
  time: 1,
  latitude: 2,
  northSouth: 3,
  longitude: 4,
  eastWest: 5,
  quality: 6,
  used: 7,
  hdop: 8,
  altitudeM: 9,
} as const;

/** Position: `$GPGLL,lat,N,lon,E,time,status,mode*hh`. */
export const GLL = {
  latitude: 1,
  northSouth: 2,
  longitude: 3,
  eastWest: 4,
  time: 5,
  status: 6,
  mode: 7,
} as const;

/** Active satellites: `$GPGSA,A,fix type,twelve ids,pdop,hdop,vdop[,system]*hh`. */
export const GSA = { fixType: 2, firstId: 3, ids: 12, hdop: 16 } as const;

/** Satellites in view: `$GPGSV,messages,message,in view,(id,elevation,azimuth,SNR) x 1..4[,signal]*hh`. */
export const GSV = {
  messages: 1,
  message: 2,
  inView: 3,
  firstSatellite: 4,
  perSatellite: 4,
  snr: 3,
} as const;

/** Course and speed over ground: `$GPVTG,true,T,magnetic,M,knots,N,km/h,K,mode*hh`. */
export const VTG = { trackDeg: 1, speedKnots: 5, speedKmh: 7, mode: 9 } as const;

/** Time and date: `$GPZDA,time,day,month,year,zone hours,zone minutes*hh`. */
export const ZDA = { time: 1, day: 2, month: 3, year: 4 } as const;

export const FORMATTERS = ['RMC', 'GGA', 'GLL', 'GSA', 'GSV', 'VTG', 'ZDA'] as const;
export type Formatter = (typeof FORMATTERS)[number];

/** How far a sentence vouches for its values. `estimated` is dead reckoning: no satellites were used. */
export type Fix = 'none' | 'estimated' | 'valid';

/** GGA quality: 1 GNSS, 2 differential, 3 PPS, 4 RTK, 5 float RTK, 6 estimated, 7 manual, 8 simulator, 9 SBAS (NovAtel). */
export const FIX_BY_QUALITY: Readonly<Record<string, Fix>> = {
  '1': 'valid',
  '2': 'valid',
  '3': 'valid',
  '4': 'valid',
  '5': 'valid',
  '6': 'estimated',
  '9': 'valid',
};

/** Mode indicator of RMC, GLL, VTG: autonomous, differential, RTK, float RTK, precise, estimated. N, M and S are no fix. */
export const FIX_BY_MODE: Readonly<Record<string, Fix>> = {
  A: 'valid',
  D: 'valid',
  R: 'valid',
  F: 'valid',
  P: 'valid',
  E: 'estimated',
};

/** A GPS week number has ten bits on the air: receivers that lose count show a date 1024 weeks in the past. */
export const ROLL_OVER_MS = 1024 * 7 * 86_400_000;
export const MPS_PER_KNOT = 1852 / 3600;
