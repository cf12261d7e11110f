// The machine room: the tab one is on is in sight, also on a phone.
document.querySelector(".machine-tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
