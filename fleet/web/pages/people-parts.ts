import { GROUPS, ROLES, type Roles } from '../../people/index.js';
import { type Html, html } from '../html.js';

/** Minutes, in UTC. */
export function when(ms: number | undefined): Html {
  if (ms === undefined) return html`never`;
  const iso = new Date(ms).toISOString();
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`;
}

/** A choice per group, as `rolesField` reads it. */
export function roleFields(roles: Roles): Html {
  return html`<fieldset><legend>Role in each group</legend>${GROUPS.map(
    (group) => html`
<label>${group} <select name="role_${group}">
<option value="">none</option>${ROLES.map((role) => html`<option ${roles[group] === role && html`selected`}>${role}</option>`)}
</select></label>`,
  )}</fieldset>`;
}

export const newPasswordField = html`<label>New password, 12 characters at least
<input type="password" name="password" autocomplete="new-password" required minlength="12" maxlength="256"></label>`;
