// Show why the answer that was chosen is right or wrong.
document.querySelectorAll(".quiz fieldset").forEach((question) => {
  const key = question.querySelector("details");
  const reasons = key.querySelectorAll("li");
  const feedback = question.querySelector(".quiz-feedback");
  key.hidden = true;
  question.querySelectorAll("input").forEach((button, i) => {
    button.hidden = false;
    button.addEventListener("change", () => {
      const reason = reasons[i].lastElementChild.cloneNode(true);
      feedback.dataset.answer = reasons[i].dataset.answer;
      feedback.replaceChildren(reason);
    });
  });
});
