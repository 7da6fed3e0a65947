// The one thing a paper does: print itself.
const button = document.getElementById("print");
button.hidden = false;
button.addEventListener("click", () => window.print());
