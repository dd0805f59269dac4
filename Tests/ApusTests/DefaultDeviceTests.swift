import Apus
import ApusNN
import Testing

@Suite("The default device", .enabled(if: Device.devices.count > 1))
struct DefaultDeviceTests {
    let device = Device.devices[1]

    @Test("new tensors and layers are made there, within the scope alone")
    func scope() {
        let outside = Device.default
        withDefaultDevice(device) {
            #expect(Device.default == device)
            let made = [
                Tensor([1, 2]), Tensor([[0.5]]), Tensor([1, 2] as [Int8]), Tensor([[1], [2]] as [[Float]]), .zeros(2),
                .ones(2), .full([2], 3), .arange(3), .linspace(0, 1, steps: 3), .logspace(0, 1, steps: 3), .eye(2),
                .rand(2), .randn(2), .randint(5, shape: [2]), .randperm(3), .bernoulli(0.5, shape: [2]),
                makeTensor([2]),
            ]
            #expect(made.allSatisfy { $0.device == device })
            #expect(Linear(2, 2).weight.device == device)
            withDefaultDevice(.cpu) { #expect(Tensor.zeros(1).device == .cpu) }
            #expect(Tensor.zeros(1).device == device)
        }
        #expect(Device.default == outside)
    }

    @Test("it follows the task across suspensions, and no other task")
    func tasks() async {
        let outside = Device.default
        await withDefaultDevice(device) {
            await Task.yield()
            #expect(Tensor.zeros(1).device == device)
            await Task.detached { #expect(Tensor.zeros(1).device == outside) }.value
        }
    }

    @Test("what has a device keeps it")
    func kept() throws {
        let x = Tensor([3.0, 4, 5], device: .cpu)
        try withDefaultDevice(device) {
            #expect((x * 2 + x.zerosLike()).device == .cpu)
            #expect(x[[2, 0]].toArray(Float.self) == [5, 3])
            #expect(Tensor.where(x .> 3.5, 1.0, 0.0).toArray(Float.self) == [0, 1, 1])
            let copied = try Tensor(copying: [1, 2] as [UInt8], dtype: .uint8, shape: [2])
            #expect(copied.device == .cpu)
        }
    }

    @Test("lists, and indices and masks on the CPU, pick from a tensor on a device")
    func indices() {
        let x = Tensor([[1.0, 2], [3, 4], [5, 6]], device: device)
        #expect(x[[2, 0]].toArray(Float.self) == [5, 6, 1, 2])
        #expect(x[Tensor([1], device: .cpu), 1].toArray(Float.self) == [4])
        let mask = Tensor([true, false, true], device: .cpu)
        #expect(x[mask].toArray(Float.self) == [1, 2, 5, 6])
        x[mask] = 0
        x[[1]] = Tensor([7.0, 8], device: .cpu)
        #expect(x.toArray(Float.self) == [0, 0, 7, 8, 0, 0] && x.device == device)
        #expect(Tensor.where(x .> 7, 1.0, 0.0).toArray(Float.self) == [0, 0, 0, 1, 0, 0])
    }

    @Test("numbers written as Doubles reach a device as the dtype asked for")
    func literals() {
        let x = Tensor([0.1, 0.2], device: device)
        #expect(x.dtype == .float32 && x.toArray(Float.self) == [0.1, 0.2])
    }
}
