// The printed page needs one thing of a script: its button.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});
