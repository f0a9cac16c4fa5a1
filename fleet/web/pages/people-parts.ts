import { GROUPS, ROLES, type Roles } from '../../people/index.js';
import { timeOfMs } from '../format.js';
import { type Html, html } from '../html.js';

export function when(ms: number | undefined): Html {
  return ms === undefined ? html`never` : timeOfMs(ms);
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
