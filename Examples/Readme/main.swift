// The program of README.md.
import Apus
import ApusNN
import ApusOptim

manualSeed(0)
let x = Tensor.linspace(-3, 3, steps: 200).unsqueeze(1)
let y = x.sin() + Tensor.randn(200, 1) * 0.05

let model = Sequential(Linear(1, 32), Tanh(), Linear(32, 1))
let optimizer = Adam(model.parameters(), lr: 0.01)

for step in 1...500 {
    optimizer.zeroGrad()
    let loss = F.mseLoss(model(x), y)
    loss.backward()
    optimizer.step()
    if step % 100 == 0 { print(step, loss.item(Float.self)) }
}
noGrad { print(model(Tensor([[0.0], [1.5]]))) }
