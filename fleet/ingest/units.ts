import { QUANTITY_UNITS, type Quantity } from '../../drivers/contract/index.js';

/** What a value in a unit of SenML's registries is here: `value × times ÷ over + offset`, of this quantity. */
export interface UnitMeaning {
  readonly quantity: Quantity;
  readonly times: number;
  readonly over: number;
  readonly offset: number;
  /** The unit itself, where no quantity has it: the channel is told apart by it. */
  readonly foreign?: string;
}

/** Units of the registry (RFC 8428, 12.1; RFC 8798, 2; NTU came later) that no quantity here is kept in. */
const FOREIGN = [
  ...[
    'kg',
    'g',
    'cd',
    'mol',
    'rad',
    'sr',
    'N',
    'J',
    'F',
    'Ohm',
    'S',
    'Wb',
    'H',
    'lm',
    'lx',
    'Bq',
    'Gy',
    'Sv',
    'kat',
  ],
  ...[
    'm2',
    'm3',
    'l',
    'm3/s',
    'l/s',
    'W/m2',
    'cd/m2',
    'bit',
    'bit/s',
    'pH',
    'dB',
    'Bspl',
    '%EL',
    'EL',
    '1/s',
    '1/min',
  ],
  ...['beat/min', 'beats', 'S/m', 'VA', 'VAs', 'var', 'vars', 'J/m', 'kg/m3', 'NTU'],
] as const;

type Same = readonly [name: string, of: string, times: number, over?: number, offset?: number];
/** As other units. Primary ones first, then the secondary ones of RFC 8798, 3, and those that came later. */
const SAME_AS: readonly Same[] = [
  ['K', 'Cel', 1, 1, -273.15],
  ['dBW', 'dBm', 1, 1, 30],
  // The registry says that it is a ratio, whatever it is called.
  ['%', '/', 1],
  ['count', '', 1],
  ...([
    ['ms', 's', 1, 1000],
    ['min', 's', 60],
    ['h', 's', 3600],
    ['MHz', 'Hz', 1e6],
  ] as const),
  ...([
    ['kW', 'W', 1000],
    ['kVA', 'VA', 1000],
    ['kvar', 'var', 1000],
    ['Ah', 'C', 3600],
  ] as const),
  ...([
    ['Wh', 'J', 3600],
    ['kWh', 'J', 3.6e6],
    ['varh', 'vars', 3600],
    ['kvarh', 'vars', 3.6e6],
  ] as const),
  ...([
    ['VAh', 'VAs', 3600],
    ['kVAh', 'VAs', 3.6e6],
    ['Wh/km', 'J/m', 3600, 1000],
    ['KiB', 'B', 1024],
    ['GB', 'B', 1e9],
  ] as const),
  ...([
    ['Mbit/s', 'bit/s', 1e6],
    ['B/s', 'bit/s', 8],
    ['MB/s', 'bit/s', 8e6],
  ] as const),
  ...([
    ['mV', 'V', 1, 1000],
    ['mA', 'A', 1, 1000],
    ['ug/m3', 'kg/m3', 1, 1e9],
    ['ug/l', 'kg/m3', 1, 1e6],
    ['mg/l', 'kg/m3', 1, 1000],
    ['g/l', 'kg/m3', 1],
  ] as const),
  ...([
    ['mm/h', 'm/s', 1, 3.6e6],
    ['m/h', 'm/s', 1, 3600],
    ['km/h', 'm/s', 1000, 3600],
  ] as const),
  ...([
    ['ppm', '/', 1, 1e6],
    ['ppb', '/', 1, 1e9],
    ['ppt', '/', 1, 1e12],
    ['/100', '%', 1],
    ['/1000', '/', 1, 1000],
    ['hPa', 'Pa', 100],
  ] as const),
  ...([
    ['mm', 'm', 1, 1000],
    ['cm', 'm', 1, 100],
    ['km', 'm', 1000],
  ] as const),
];

const AS_IT_IS = { times: 1, over: 1, offset: 0 };
const QUANTITIES = new Map<string, Quantity>(
  Object.entries(QUANTITY_UNITS).map(([quantity, unit]) => [unit, quantity as Quantity]),
);
QUANTITIES.set('', 'dimensionless');
const MEANINGS = new Map<string, UnitMeaning>();
for (const unit of FOREIGN) MEANINGS.set(unit, { quantity: 'dimensionless', ...AS_IT_IS, foreign: unit });
for (const [unit, quantity] of QUANTITIES) MEANINGS.set(unit, { quantity, ...AS_IT_IS });
for (const [name, of, times, over = 1, offset = 0] of SAME_AS) {
  const quantity = QUANTITIES.get(of);
  const foreign = quantity ? {} : { foreign: of };
  MEANINGS.set(name, { quantity: quantity ?? 'dimensionless', times, over, offset, ...foreign });
}

/** '' is no unit. `undefined`: no registry has it. */
export function unitMeaning(unit: string): UnitMeaning | undefined {
  return MEANINGS.get(unit);
}

/** `W/m2` → `InWPerM2`, `1/s` → `InPerS`: the end of a channel's name. */
export function unitSuffix(unit: string): string {
  const parts = unit
    .replace('%', 'Percent')
    .replace(/^1(?=\/)/, '')
    .split('/');
  return `In${parts.map((part) => part.charAt(0).toUpperCase() + part.slice(1)).join('Per')}`;
}

export const FOREIGN_SUFFIXES: ReadonlySet<string> = new Set(FOREIGN.map(unitSuffix));
