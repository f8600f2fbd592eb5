/** The section "Exams" of a run's page. */

import { ExamsView } from "./view.js";

/** @param {import("./view.js").Host} host */
const section = (host) => new ExamsView(host);

export default section;
