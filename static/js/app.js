// The frame around every page: search and commands, keys, toasts, theme, unsaved changes.
import { startAgain } from "./again.js";
import { startConfirm } from "./confirm.js";
import { startGuard } from "./guard.js";
import { startKeys } from "./keys.js";
import { startPalette } from "./palette.js";
import { startProcess } from "./process.js";
import { startShell } from "./shell.js";
import { startToasts } from "./toast.js";

startToasts();
startAgain();
startConfirm();
startGuard();
startPalette();
startProcess();
startKeys();
startShell();
document.documentElement.dataset.ready = "true";
