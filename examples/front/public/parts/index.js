// The page's parts, each of one section of index.html.
import "./events.js";
import "./held.js";
import "./progress.js";
import "./room.js";
import "./route.js";
import "./upload.js";
import "./visits.js";
