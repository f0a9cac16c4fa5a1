import { type Html, html } from '../html.js';

export function options(values: readonly string[], chosen: string | undefined, none?: string): Html {
  const option = (value: string, label: string) =>
    html`<option value="${value}" ${value === (chosen ?? '') && html`selected`}>${label}</option>`;
  return html`${none !== undefined && option('', none)}${values.map((value) => option(value, value))}`;
}

/** `/logs?level=warn`; what is undefined is left out. */
export function pathWith(path: string, query: Readonly<Record<string, string | undefined>>): string {
  const entries = Object.entries(query).filter((entry): entry is [string, string] => Boolean(entry[1]));
  return entries.length === 0 ? path : `${path}?${new URLSearchParams(entries)}`;
}

export function pathOf({ node }: { readonly node: string }): string {
  return `/nodes/${encodeURIComponent(node)}`;
}

/** Links to the page before and after, where there are several. */
export function pager(page: number, pages: number, pathOf: (page: number) => string): Html | false {
  if (pages <= 1) return false;
  return html`<nav class="pager" aria-label="Pages">${page > 1 && html`<a href="${pathOf(page - 1)}" rel="prev">Page ${page - 1}</a>`}
<span>Page ${page} of ${pages}</span>${page < pages && html`<a href="${pathOf(page + 1)}" rel="next">Page ${page + 1}</a>`}</nav>`;
}

export interface Column<Row> {
  readonly title: string;
  readonly cell: (row: Row) => Html | string | number;
  /** Numbers: to the right. */
  readonly isNumber?: true;
}

/** With headers; on a phone each row is a block and each cell says its column. The first column names the row. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): Html {
  const kind = ({ isNumber }: Column<Row>) => isNumber && html`class="number"`;
  const head = columns.map((column) => html`<th scope="col" ${kind(column)}>${column.title}</th>`);
  const line = (row: Row) =>
    columns.map((column, i) =>
      i === 0
        ? html`<th scope="row">${column.cell(row)}</th>`
        : html`<td data-label="${column.title}" ${kind(column)}>${column.cell(row)}</td>`,
    );
  return html`<table><thead><tr>${head}</tr></thead><tbody>${rows.map((row) => html`<tr>${line(row)}</tr>`)}</tbody></table>`;
}
