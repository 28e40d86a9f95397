const line = document.createElement("p");
line.textContent = "This page was built by Vite, in a sandbox without network.";
document.querySelector("main").append(line);
